import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { ReactNode } from 'react'
import { useMay } from '../../api'
import { OverflowTabs } from '../../design'

const TABS = ['tariffs', 'groups', 'changes', 'series', 'backtests', 'explain'] as const
type Tab = (typeof TABS)[number]

/** The parts of pricing, each a page of its own, under the same row of tabs. */
export function Section({ tab, children }: { tab: Tab; children: ReactNode }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const mayReplay = useMay('cdr.read')
  const open = (v: string) => void navigate(v === 'tariffs' ? { to: '/tariffs', search: {} as never } : { to: '/pricing/{-$tab}', params: { tab: v }, search: {} as never })
  return (
    <OverflowTabs
      label={t('tariff.pricing')}
      tabs={TABS.filter((x) => x !== 'backtests' || mayReplay).map((x) => ({ value: x, label: t(`tariff.section.${x}`) }))}
      value={tab}
      onChange={open}
    >
      {children}
    </OverflowTabs>
  )
}
