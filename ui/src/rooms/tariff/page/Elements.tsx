import { useTranslation } from 'react-i18next'
import type { Tariff, TariffElement } from '../../../api'
import { useFormat } from '../../../design'
import { conditions, priceOf, stepOf } from '../words'
import css from '../tariff.module.css'

/** A tariff's elements as it is read: what costs how much, and when. */
export function Elements({ tariff }: { tariff: Tariff }) {
  const { t } = useTranslation()
  return (
    <>
      <p className={css.note}>{t('tariff.elementsHint')}</p>
      <ol className={css.elements}>
        {(tariff.elements ?? []).map((e, i) => (
          <li key={i}>
            <span className={css.rank}>{i + 1}</span>
            <Element element={e} currency={tariff.currency ?? ''} taxed={tariff.tax_included} />
          </li>
        ))}
      </ol>
    </>
  )
}

function Element({ element: e, currency, taxed }: { element: TariffElement; currency: string; taxed?: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const when = conditions(t, f, e.restrictions, e.forecourt)
  const tax = (vat: number | undefined) => {
    if (vat === undefined) return t('tariff.noTax')
    const rate = f.number(vat, vat % 1 ? 2 : 0)
    return taxed === 'YES' ? t('tariff.withTax', { rate }) : t('tariff.plusTax', { rate })
  }
  return (
    <div>
      <div className={css.prices}>
        {(e.price_components ?? []).map((c, i) => (
          <span key={i}>
            {t(`tariff.dimension.${c.type}`)}: {priceOf(t, f, c, currency)}{' '}
            <small>
              {[tax(c.vat), stepOf(t, f, c)]
                .filter(Boolean)
                .join(' · ')}
            </small>
          </span>
        ))}
      </div>
      <div className={css.chips}>
        {when.length === 0 ? <span className={css.dim}>{t('tariff.always')}</span> : when.map((x) => <span key={x} className={css.chip}>{x}</span>)}
      </div>
    </div>
  )
}
