import { Accordion, Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { post, type Suggestion, type TariffPreview } from '../../../api'
import { Facts, Panel, ToneBadge, useFormat } from '../../../design'
import { Findings } from '../page/Findings'
import css from '../tariff.module.css'

interface Props {
  suggestion: Suggestion
  best: boolean
  currency: string
  onUse: () => void
}

/** One suggested tariff: what it says, what it would have brought, what the law asks beside it. */
export function SuggestionCard({ suggestion: s, best, currency, onUse }: Props) {
  const { t, i18n } = useTranslation()
  const f = useFormat()
  const o = s.thirty_days
  const money = (amount: string | undefined) => amount && f.money({ amount, currency })
  // The wizard words its tariffs in English; the preview does in the reader's language.
  const worded = useQuery({ queryKey: ['tariff-preview', s.tariff.id, i18n.language], queryFn: () => post<TariffPreview>('/tariffs/preview', s.tariff), staleTime: Infinity, retry: false })
  const own = o.source === 'own_sessions'
  const refused = s.findings.some((x) => x.severity === 'refuse')
  return (
    <Panel title={t(`tariff.wizard.model.${s.model}`, { defaultValue: s.model })} actions={best && <ToneBadge tone="good">{t('tariff.wizard.best')}</ToneBadge>}>
      <p className={css.sentence} data-testid="suggestion">
        {worded.data?.summary ?? s.summary}
      </p>
      <p className={css.note} style={{ marginTop: 8 }}>
        {t(`tariff.wizard.reason.${s.model}`, { defaultValue: s.reason })}
      </p>
      <h3 className={css.sub}>{own ? t('tariff.wizard.ownSessions', { days: o.days, count: o.sessions }) : t('tariff.wizard.benchmark', { days: o.days })}</h3>
      {!own && o.note && (
        <p className={css.note} lang="en">
          {o.note}
        </p>
      )}
      <Facts
        items={[
          [t('tariff.wizard.revenue'), money(o.revenue)],
          [t('tariff.wizard.revenueBefore'), money(o.revenue_before)],
          [t('tariff.wizard.electricity'), money(o.electricity_cost)],
          [t('tariff.wizard.margin'), money(o.margin)],
          [t('tariff.wizard.energy'), f.energy(o.energy_wh)],
          [t('tariff.wizard.occupancy'), new Intl.NumberFormat(f.locale, { style: 'percent', maximumFractionDigits: o.occupancy_percent < 10 ? 1 : 0 }).format(o.occupancy_percent / 100)],
          ...(own ? ([[t('tariff.backtest.dearerCheaper'), `${f.number(o.dearer ?? 0)} / ${f.number(o.cheaper ?? 0)}`]] satisfies [string, string][]) : []),
        ]}
      />
      <Accordion variant="default" mt="md" chevronPosition="left">
        <Accordion.Item value="legal">
          <Accordion.Control>
            {t('tariff.legal.title')} <ToneBadge tone={refused ? 'bad' : 'good'}>{refused ? t('tariff.legal.forbidden') : t('tariff.legal.allowed')}</ToneBadge>
          </Accordion.Control>
          <Accordion.Panel>
            <Findings findings={s.findings} />
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
      <Button mt="md" fullWidth variant={best ? 'filled' : 'default'} onClick={onUse} data-testid="suggestion-use">
        {t('tariff.wizard.use')}
      </Button>
    </Panel>
  )
}
