import { Alert, Button, Group, Select } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand, useMay } from '../../../api'
import { Chart, Panel, ProblemAlert, useFormat } from '../../../design'
import css from '../device.module.css'
import { compositeOf, steps, type Schedule } from './schedule'

const HOURS = ['1', '4', '12', '24']

interface Props {
  station: string
  evses: number[]
  zone?: string
}

/** Asks what the station makes of all its profiles together, and draws it. */
export function Composite({ station, evses, zone }: Props) {
  const { t } = useTranslation()
  const [evse, setEvse] = useState('0')
  const [hours, setHours] = useState('4')
  const [unit, setUnit] = useState<string | null>(null)
  const c = useCommand(station)
  const schedule = compositeOf(c.command?.response, Date.now())
  if (!useMay('station.command')) return null
  const ask = () => void c.send({ action: 'GetCompositeSchedule', payload: { evseId: Number(evse), duration: Number(hours) * 3600, ...(unit ? { chargingRateUnit: unit } : {}) } })
  const failed = c.command && !c.busy && !schedule
  return (
    <Panel title={t('device.charging.composite')}>
      <p className={css.dim} style={{ marginTop: 0 }}>
        {t('device.charging.compositeHint')}
      </p>
      <Group align="end" mb="md">
        <Select label={t('device.field.evse')} data={[{ value: '0', label: t('station.command.wholeStation') }, ...evses.map((id) => ({ value: String(id), label: t('station.evse.title', { id }) }))]} value={evse} onChange={(v) => setEvse(v ?? '0')} allowDeselect={false} w={160} />
        <Select label={t('device.charging.hours')} data={HOURS} value={hours} onChange={(v) => setHours(v ?? '4')} allowDeselect={false} w={100} />
        <Select label={t('station.command.field.unit')} data={['W', 'A']} value={unit} onChange={setUnit} clearable w={100} />
        <Button loading={c.busy} onClick={ask} data-testid="composite-ask">
          {t('device.charging.ask')}
        </Button>
      </Group>
      <ProblemAlert problem={c.problem} />
      {failed && (
        <Alert color="yellow" variant="light" role="status">
          {c.command?.error || t('device.charging.noSchedule')}
        </Alert>
      )}
      {schedule && <ScheduleChart schedule={schedule} zone={zone} label={t('device.charging.composite')} />}
    </Panel>
  )
}

export function ScheduleChart({ schedule, zone, label }: { schedule: Schedule; zone?: string; label: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const curve = steps(schedule)
  const format = (v: number, short?: boolean) => (schedule.unit === 'W' ? f.power(v, short) : `${f.number(v, short ? 0 : 1)}\u00a0A`)
  return <Chart label={label} times={curve.times} series={[{ label: t('device.charging.limit'), values: curve.values, color: 'var(--tone-active)', fill: true, format }]} zone={zone} height={200} />
}
