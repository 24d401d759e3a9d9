import { useTranslation } from 'react-i18next'
import { useFormat } from '../../design'
import type { Line } from './cost'
import css from './billing.module.css'

interface Props {
  lines: Line[]
  currency: string
  total?: { excl_vat: string; incl_vat: string }
}

/** A price, line by line: what was billed, at which price and tax, and why. */
export function PriceLines({ lines, currency, total }: Props) {
  const { t } = useTranslation()
  const f = useFormat()
  const money = (amount: string) => f.money({ amount, currency })
  if (lines.length === 0 && !total) return null
  return (
    <div data-testid="price-lines">
      <ul className={css.lines} aria-label={t('billing.cost')}>
        {lines.map((l, i) => (
          <li key={i}>
            <div className={css.head}>
              <strong>{name(t, l)}</strong>
              <strong className="num">{money(l.incl_vat)}</strong>
            </div>
            <div className={css.how}>
              <span className="num">{sum(t, f, l, currency)}</span>
              <span className="num">{t('billing.before', { amount: money(l.excl_vat) })}</span>
            </div>
            {(l.explanation?.length ?? 0) > 0 && (
              <ul className={css.why}>
                {l.explanation?.map((x, n) => (
                  <li key={n}>{x}</li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
      {total && (
        <div className={css.total}>
          <span>{t('billing.total')}</span>
          <span className="num">
            <strong>{money(total.incl_vat)}</strong> <small>{t('billing.before', { amount: money(total.excl_vat) })}</small>
          </span>
        </div>
      )}
    </div>
  )
}

type T = ReturnType<typeof useTranslation>['t']
type F = ReturnType<typeof useFormat>

function name(t: T, l: Line): string {
  const own = l.kind !== 'session' && l.kind !== 'reservation'
  const kind = (own ? l.kind : (l.dimension ?? l.kind)).toLowerCase()
  const what = t(`billing.kind.${kind}`, { defaultValue: kind })
  return l.kind === 'reservation' && l.dimension ? `${t('billing.kind.reservation')}: ${what}` : what
}

/** "20 kWh × €0.39, 20 % VAT": the sum that the amount is the result of. */
function sum(t: T, f: F, l: Line, currency: string): string {
  const unit = l.unit_price && f.money({ amount: l.unit_price, currency })
  const amount = l.billed_quantity ?? l.quantity
  const parts: string[] = []
  if (amount !== undefined && l.unit) {
    const billed = `${f.number(Number(amount), decimals(amount))} ${l.unit}`
    const used = l.quantity !== undefined && l.quantity !== amount ? t('billing.used', { quantity: `${f.number(Number(l.quantity), decimals(l.quantity))} ${l.unit}` }) : ''
    parts.push([unit ? t(`billing.times.${l.unit === 'kWh' ? 'kWh' : 'hour'}`, { quantity: billed, price: exactly(f, l.unit_price, currency) }) : billed, used].filter(Boolean).join(' '))
  } else if (unit) parts.push(unit)
  if (l.vat !== undefined) parts.push(t('billing.vat', { rate: f.number(Number(l.vat), decimals(l.vat)) }))
  return parts.join(' · ')
}

const decimals = (v: string) => Math.min(3, (v.split('.')[1] ?? '').replace(/0+$/, '').length)

/** A price per unit has more decimals than a coin. */
function exactly(f: F, price: string | undefined, currency: string): string {
  const digits = (price?.split('.')[1] ?? '').replace(/0+$/, '').length
  const n = new Intl.NumberFormat(f.locale, { style: 'currency', currency, maximumFractionDigits: Math.min(8, Math.max(2, digits)) })
  return n.format((price ?? '0') as `${number}`)
}
