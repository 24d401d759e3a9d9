import { useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '../../design'
import { BacktestsList } from './backtest/BacktestsList'
import { ChangesList } from './change/ChangesList'
import { ExplainPanel } from './ExplainPanel'
import { GroupsList } from './group/GroupsList'
import { Section } from './Section'
import { SeriesList } from './series/SeriesList'

const PARTS = ['groups', 'changes', 'series', 'backtests', 'explain'] as const

/** The parts of pricing beside the tariffs themselves. */
export function PricingPage() {
  const { t } = useTranslation()
  const { tab } = useParams({ from: '/pricing/{-$tab}' })
  const chosen = PARTS.find((x) => x === tab) ?? 'groups'
  return (
    <Page title={t('tariff.pricing')} subtitle={t(`tariff.sectionHint.${chosen}`)}>
      <Section tab={chosen}>
        {chosen === 'groups' && <GroupsList />}
        {chosen === 'changes' && <ChangesList />}
        {chosen === 'series' && <SeriesList />}
        {chosen === 'backtests' && <BacktestsList />}
        {chosen === 'explain' && <ExplainPanel />}
      </Section>
    </Page>
  )
}
