import { ActionIcon, Button, Menu, MultiSelect, Select, TagsInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ElementExtension, Restrictions, TariffElement } from '../../../api'
import { IconPlus, IconX, useFormat } from '../../../design'
import edit from '../edit.module.css'
import css from '../tariff.module.css'
import { DAYS, dayName } from '../words'
import { drop, holds, KINDS, type Kind } from './condition'
import { ClockField, NumberField } from './fields'

interface Props {
  place: string
  element: TariffElement
  change: (change: (e: TariffElement) => void) => void
}

/** When an element applies: the conditions it has, and a menu of those it could have. */
export function Conditions({ place, element, change }: Props) {
  const { t } = useTranslation()
  const [opened, setOpened] = useState<Kind[]>([])
  const shown = KINDS.filter((k) => opened.includes(k) || holds(element, k))
  const rest = KINDS.filter((k) => !shown.includes(k))
  const remove = (k: Kind) => {
    setOpened(opened.filter((x) => x !== k))
    change((e) => drop(e, k))
  }
  return (
    <>
      <h3 className={css.sub}>{t('tariff.edit.when')}</h3>
      {shown.length === 0 && <p className={css.note}>{t('tariff.edit.always')}</p>}
      {shown.map((k) => (
        <fieldset key={k} className={edit.condition}>
          <legend>{t(`tariff.edit.kind.${k}`)}</legend>
          <div className={css.fields}>
            <Fields kind={k} place={place} element={element} change={change} />
          </div>
          <p className={css.help}>{t(`tariff.edit.kindHelp.${k}`)}</p>
          <ActionIcon className={edit.dropCondition} variant="subtle" color="gray" onClick={() => remove(k)} aria-label={t('tariff.edit.dropCondition', { kind: t(`tariff.edit.kind.${k}`) })}>
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </fieldset>
      ))}
      {rest.length > 0 && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} data-testid="condition-add">
              {t('tariff.edit.addCondition')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {rest.map((k) => (
              <Menu.Item key={k} onClick={() => setOpened([...opened, k])}>
                {t(`tariff.edit.kind.${k}`)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  )
}

function Fields({ kind, place, element: e, change }: Props & { kind: Kind }) {
  const { t } = useTranslation()
  const f = useFormat()
  const r = e.restrictions ?? {}
  const own = e.forecourt ?? {}
  const at = `${place}.restrictions`
  const set = (values: Partial<Restrictions>) => change((x) => (x.restrictions = { ...x.restrictions, ...values }))
  const setOwn = (values: Partial<ElementExtension>) => change((x) => (x.forecourt = { ...x.forecourt, ...values }))
  const band = (min: keyof Restrictions, max: keyof Restrictions, suffix: string, factor = 1) => (
    <>
      <NumberField place={`${at}.${min}`} label={t('tariff.edit.min')} suffix={suffix} factor={factor} value={r[min] as number | undefined} onChange={(v) => set({ [min]: v })} />
      <NumberField place={`${at}.${max}`} label={t('tariff.edit.max')} suffix={suffix} factor={factor} value={r[max] as number | undefined} onChange={(v) => set({ [max]: v })} />
    </>
  )
  const ownBand = (min: 'min_soc' | 'min_rated_power', max: 'max_soc' | 'max_rated_power', suffix: string) => (
    <>
      <NumberField place={`${place}.forecourt.${min}`} label={t('tariff.edit.min')} suffix={suffix} value={own[min]} onChange={(v) => setOwn({ [min]: v })} />
      <NumberField place={`${place}.forecourt.${max}`} label={t('tariff.edit.max')} suffix={suffix} value={own[max]} onChange={(v) => setOwn({ [max]: v })} />
    </>
  )
  switch (kind) {
    case 'days':
      return (
        <MultiSelect
          className={css.wide}
          aria-label={t('tariff.edit.kind.days')}
          data={DAYS.map((value, n) => ({ value, label: dayName(f.locale, n, 'long') }))}
          value={r.day_of_week ?? []}
          onChange={(v) => set({ day_of_week: DAYS.filter((d) => v.includes(d)) })}
        />
      )
    case 'hours':
      return (
        <>
          <ClockField type="time" place={`${at}.start_time`} label={t('tariff.edit.fromTime')} value={r.start_time} onChange={(start_time) => set({ start_time })} />
          <ClockField type="time" place={`${at}.end_time`} label={t('tariff.edit.toTime')} value={r.end_time} onChange={(end_time) => set({ end_time })} />
        </>
      )
    case 'dates':
      return (
        <>
          <ClockField type="date" place={`${at}.start_date`} label={t('tariff.edit.fromDate')} value={r.start_date} onChange={(start_date) => set({ start_date })} />
          <ClockField type="date" place={`${at}.end_date`} label={t('tariff.edit.toDate')} value={r.end_date} onChange={(end_date) => set({ end_date })} />
        </>
      )
    case 'energy':
      return band('min_kwh', 'max_kwh', 'kWh')
    case 'duration':
      return band('min_duration', 'max_duration', 'min', 60)
    case 'power':
      return band('min_power', 'max_power', 'kW')
    case 'current':
      return band('min_current', 'max_current', 'A')
    case 'reservation':
      return (
        <Select
          className={css.wide}
          aria-label={t('tariff.edit.kind.reservation')}
          data={(['RESERVATION', 'RESERVATION_EXPIRES'] as const).map((value) => ({ value, label: t(`tariff.when.${value}`) }))}
          value={r.reservation ?? null}
          onChange={(v) => set({ reservation: (v ?? undefined) as Restrictions['reservation'] })}
        />
      )
    case 'groups':
      return <TagsInput className={css.wide} aria-label={t('tariff.edit.kind.groups')} value={own.driver_groups ?? []} onChange={(driver_groups) => setOwn({ driver_groups })} />
    case 'soc':
      return ownBand('min_soc', 'max_soc', '%')
    case 'rated':
      return ownBand('min_rated_power', 'max_rated_power', 'kW')
  }
}
