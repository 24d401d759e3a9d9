import { ActionIcon, Button, Select, TagsInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { TariffExtension } from '../../../api'
import { IconPlus, IconX } from '../../../design'
import edit from '../edit.module.css'
import css from '../tariff.module.css'
import { useFault } from './errors'
import { CapFields, NumberField } from './fields'

type Rule = NonNullable<TariffExtension['allowances']>[number]
const OF = ['kwh', 'minutes', 'amount'] as const
const PER = ['session', 'day', 'month', 'plan'] as const

interface Props {
  rows: Rule[]
  currency: string
  onChange: (rows: Rule[]) => void
}

/** What is free: the first kWh, minutes or amount of a session, day, month or plan. */
export function Allowances({ rows, currency, onChange }: Props) {
  const { t } = useTranslation()
  return (
    <div className={css.wide}>
      {rows.map((r, i) => (
        <Row key={i} number={i} rule={r} currency={currency} onChange={(x) => onChange(rows.map((y, n) => (n === i ? x : y)))} remove={() => onChange(rows.filter((_, n) => n !== i))} />
      ))}
      <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rows, { per: 'day', kwh: 5 }])}>
        {t('tariff.edit.addAllowance')}
      </Button>
    </div>
  )
}

interface RowProps {
  number: number
  rule: Rule
  currency: string
  onChange: (r: Rule) => void
  remove: () => void
}

function Row({ number, rule: r, currency, onChange, remove }: RowProps) {
  const { t } = useTranslation()
  const place = `forecourt.allowances[${number}]`
  const whole = useFault(place)
  const of = OF.find((k) => r[k] !== undefined) ?? 'kwh'
  const start: Record<(typeof OF)[number], Partial<Rule>> = { kwh: { kwh: 5 }, minutes: { minutes: 30 }, amount: { amount: { incl_vat: 5 } } }
  return (
    <fieldset className={edit.condition}>
      <legend>{t('tariff.edit.allowance', { number: number + 1 })}</legend>
      {whole && <p className={css.fault}>{whole}</p>}
      <div className={css.fields}>
        <Select label={t('tariff.edit.freeOf')} data={OF.map((value) => ({ value, label: t(`tariff.edit.of.${value}`) }))} value={of} onChange={(v) => v && onChange({ per: r.per, driver_groups: r.driver_groups, ...start[v as (typeof OF)[number]] })} allowDeselect={false} />
        {of === 'kwh' && <NumberField place={`${place}.kwh`} label={t('tariff.edit.of.kwh')} suffix="kWh" value={r.kwh} onChange={(kwh) => onChange({ ...r, kwh: kwh ?? 0 })} />}
        {of === 'minutes' && <NumberField place={`${place}.minutes`} label={t('tariff.edit.of.minutes')} suffix="min" decimals={0} value={r.minutes} onChange={(minutes) => onChange({ ...r, minutes: minutes ?? 0 })} />}
        {of === 'amount' && <CapFields place={`${place}.amount`} label={t('tariff.edit.of.amount')} currency={currency} value={r.amount} onChange={(amount) => onChange({ ...r, amount: amount ?? {} })} />}
        <Select label={t('tariff.edit.per')} data={PER.map((value) => ({ value, label: t(`tariff.edit.pers.${value}`) }))} value={r.per} onChange={(v) => v && onChange({ ...r, per: v as Rule['per'] })} allowDeselect={false} />
        <TagsInput className={css.wide} label={t('tariff.edit.onlyGroups')} value={r.driver_groups ?? []} onChange={(v) => onChange({ ...r, driver_groups: v.length ? v : undefined })} />
      </div>
      <ActionIcon className={edit.dropCondition} variant="subtle" color="gray" onClick={remove} aria-label={t('tariff.edit.dropAllowance', { number: number + 1 })}>
        <IconX size={16} aria-hidden />
      </ActionIcon>
    </fieldset>
  )
}
