import { Select, Switch } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Tariff, TariffExtension } from '../../../api'
import { Panel } from '../../../design'
import edit from '../edit.module.css'
import css from '../tariff.module.css'
import { Allowances } from './Allowances'
import { CapFields, NumberField } from './fields'
import { QuietHours } from './QuietHours'
import type { Update } from './types'

type Part = keyof TariffExtension
type Setter = <K extends Part>(part: K, value: TariffExtension[K]) => void

/** What a tariff says beyond OCPI: each rule is switched on and then filled in. */
export function Beyond({ draft, update }: { draft: Tariff; update: Update }) {
  const { t } = useTranslation()
  const e = draft.forecourt ?? {}
  const currency = draft.currency ?? ''
  const set: Setter = (part, value) => update((d) => (d.forecourt = { ...d.forecourt, [part]: value }))
  return (
    <Panel title={t('tariff.edit.beyond')}>
      <p className={css.note}>{t('tariff.edit.beyondHelp')}</p>
      <Rule name="allowances" on={Boolean(e.allowances)} toggle={(on) => set('allowances', on ? [{ per: 'session', minutes: 30 }] : undefined)}>
        <Allowances rows={e.allowances ?? []} currency={currency} onChange={(rows) => set('allowances', rows.length ? rows : undefined)} />
      </Rule>
      <Rule name="idle" on={Boolean(e.idle)} toggle={(on) => set('idle', on ? { grace_minutes: 15 } : undefined)}>
        <Idle e={e} set={set} currency={currency} />
      </Rule>
      <Rule name="failed_start" on={Boolean(e.failed_start)} toggle={(on) => set('failed_start', on ? { max_seconds: 120, max_wh: 100 } : undefined)}>
        <NumberField place="forecourt.failed_start.max_seconds" label={t('tariff.edit.shorter')} suffix="s" decimals={0} value={e.failed_start?.max_seconds} onChange={(v) => set('failed_start', { max_wh: e.failed_start?.max_wh ?? 100, max_seconds: v ?? 120 })} />
        <NumberField place="forecourt.failed_start.max_wh" label={t('tariff.edit.smaller')} suffix="Wh" decimals={0} value={e.failed_start?.max_wh} onChange={(v) => set('failed_start', { max_seconds: e.failed_start?.max_seconds ?? 120, max_wh: v ?? 100 })} />
      </Rule>
      <Rule name="day_cap" on={Boolean(e.day_cap)} toggle={(on) => set('day_cap', on ? {} : undefined)}>
        <CapFields place="forecourt.day_cap" label={t('tariff.edit.cap')} currency={currency} value={e.day_cap} onChange={(v) => set('day_cap', v ?? {})} />
      </Rule>
      <Rule name="rounding" on={Boolean(e.rounding)} toggle={(on) => set('rounding', on ? { rule: 'half_up' } : undefined)}>
        <Rounding e={e} set={set} currency={currency} />
      </Rule>
    </Panel>
  )
}

interface RuleProps {
  name: Part
  on: boolean
  toggle: (on: boolean) => void
  children: ReactNode
}

function Rule({ name, on, toggle, children }: RuleProps) {
  const { t } = useTranslation()
  return (
    <div className={edit.rule}>
      <Switch label={t(`tariff.edit.rule.${name}`)} description={t(`tariff.edit.ruleHelp.${name}`)} checked={on} onChange={(e) => toggle(e.currentTarget.checked)} data-testid={`rule-${name}`} />
      {on && <div className={`${css.fields} ${edit.ruleFields}`}>{children}</div>}
    </div>
  )
}

interface PartProps {
  e: TariffExtension
  set: Setter
  currency: string
}

function Idle({ e, set, currency }: PartProps) {
  const { t } = useTranslation()
  const change = (values: Partial<NonNullable<TariffExtension['idle']>>) => set('idle', { ...e.idle, ...values })
  return (
    <>
      <NumberField place="forecourt.idle.grace_minutes" label={t('tariff.edit.grace')} suffix="min" decimals={0} value={e.idle?.grace_minutes} onChange={(grace_minutes) => change({ grace_minutes })} />
      <CapFields place="forecourt.idle.cap" label={t('tariff.edit.idleCap')} currency={currency} value={e.idle?.cap} onChange={(cap) => change({ cap })} />
      <Switch className={css.wide} label={t('tariff.edit.onlyWaiting')} checked={e.idle?.only_while_others_wait ?? false} onChange={(x) => change({ only_while_others_wait: x.currentTarget.checked || undefined })} />
      <QuietHours rows={e.idle?.quiet_hours ?? []} onChange={(quiet_hours) => change({ quiet_hours: quiet_hours.length ? quiet_hours : undefined })} />
    </>
  )
}

const RULES = ['half_up', 'half_even', 'down'] as const

function Rounding({ e, set, currency }: PartProps) {
  const { t } = useTranslation()
  const r = e.rounding ?? {}
  const change = (values: Partial<NonNullable<TariffExtension['rounding']>>) => set('rounding', { ...r, ...values })
  return (
    <>
      <Select label={t('tariff.edit.roundingRule')} data={RULES.map((value) => ({ value, label: t(`tariff.edit.roundings.${value}`) }))} value={r.rule ?? 'half_up'} onChange={(v) => change({ rule: (v ?? undefined) as (typeof RULES)[number] })} allowDeselect={false} />
      <NumberField place="forecourt.rounding.increment" label={t('tariff.edit.increment')} suffix={currency} value={r.increment} onChange={(increment) => change({ increment })} />
      <Switch label={t('tariff.edit.perLine')} checked={r.per_line ?? false} onChange={(x) => change({ per_line: x.currentTarget.checked || undefined })} />
      <Switch label={t('tariff.edit.cash')} checked={r.cash ?? false} onChange={(x) => change({ cash: x.currentTarget.checked || undefined })} />
    </>
  )
}
