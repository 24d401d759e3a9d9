import { Alert, Button, Group, Modal, Select, Stack } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, put, stationPath, useChange, useMay, useOne, type DeviceRequest, type DeviceState, type MonitorItem, type MonitorsSet } from '../../../api'
import { Grid, IconPlus, IconRefresh, NONE, Panel, ProblemAlert } from '../../../design'
import css from '../device.module.css'
import { EventList } from './EventList'
import { blankMonitor } from './monitor'
import { MonitorFields } from './MonitorFields'
import { MonitorList } from './MonitorList'
import { useSeverities } from './severity'

interface Props {
  station: string
  protocol?: string
}

/** What a station watches by itself and what it told because of it (OCPP 2.x). */
export function MonitoringTab({ station, protocol }: Props) {
  const { t } = useTranslation()
  const old = protocol === '1.6'
  return (
    <Grid>
      {old && <Alert variant="light">{t('device.monitor.only2')}</Alert>}
      {!old && <Monitors station={station} />}
      <EventList station={station} />
    </Grid>
  )
}

function Monitors({ station }: { station: string }) {
  const { t } = useTranslation()
  const path = stationPath(station)
  const may = useMay('device.write')
  const [adding, setAdding] = useState(false)
  const [leveling, setLeveling] = useState(false)
  const refresh = useChange(() => post<DeviceRequest>(`${path}/monitors/refresh`), [path])
  const { data: device } = useOne<DeviceState>(`${path}/device`)
  return (
    <Panel
      title={t('device.monitor.title')}
      flush
      actions={
        may && (
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={() => setLeveling(true)}>
              {t('device.monitor.base')}
            </Button>
            <Button size="xs" variant="default" leftSection={<IconRefresh size={14} aria-hidden />} loading={refresh.busy} onClick={() => void refresh.run(undefined).catch(() => undefined)}>
              {t('device.refresh')}
            </Button>
            <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAdding(true)} data-testid="monitor-add">
              {t('device.monitor.add')}
            </Button>
          </Group>
        )
      }
    >
      <p className={css.note}>{t('device.monitor.state', { base: device?.monitoring_base ?? NONE, level: device?.monitoring_level ?? NONE })}</p>
      <ProblemAlert problem={refresh.problem} />
      <MonitorList station={station} mayClear={may} />
      {adding && <AddMonitor station={station} onClose={() => setAdding(false)} />}
      {leveling && device && <Level station={station} device={device} onClose={() => setLeveling(false)} />}
    </Panel>
  )
}

function AddMonitor({ station, onClose }: { station: string; onClose: () => void }) {
  const { t } = useTranslation()
  const [item, setItem] = useState<MonitorItem>(blankMonitor())
  const path = stationPath(station)
  const set = useChange((m: MonitorItem) => post<MonitorsSet>(`${path}/monitors`, { monitors: [m] }), [path])
  const result = set.result?.results[0]
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const done = await set.run(item).catch(() => undefined)
    if (done?.results[0]?.status === 'Accepted') onClose()
  }
  return (
    <Modal opened onClose={onClose} size="lg" title={t('device.monitor.add')}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <div className={css.fields}>
            <MonitorFields value={item} onChange={setItem} />
          </div>
          {result && result.status !== 'Accepted' && (
            <Alert color="yellow" variant="light" role="status">
              {t('device.answered', { result: [result.status, result.detail].filter(Boolean).join(' – ') })}
            </Alert>
          )}
          <ProblemAlert problem={set.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={set.busy} disabled={!item.component || !item.variable}>
              {t('device.monitor.add')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

const BASES = ['All', 'FactoryDefault', 'HardWiredOnly'] as const

function Level({ station, device, onClose }: { station: string; device: DeviceState; onClose: () => void }) {
  const { t } = useTranslation()
  const severities = useSeverities()
  const [base, setBase] = useState<string | null>(device.monitoring_base ?? null)
  const [level, setLevel] = useState<string | null>(device.monitoring_level === undefined ? null : String(device.monitoring_level))
  const path = stationPath(station)
  const change = useChange(() => put(`${path}/monitoring`, { ...(base ? { base } : {}), ...(level ? { level: Number(level) } : {}) }), [path])
  return (
    <Modal opened onClose={onClose} title={t('device.monitor.base')}>
      <Stack>
        <Select label={t('device.monitor.active')} data={BASES.map((b) => ({ value: b, label: t(`device.monitor.bases.${b}`) }))} value={base} onChange={setBase} clearable />
        <Select label={t('device.monitor.level')} description={t('device.monitor.levelHint')} data={severities} value={level} onChange={setLevel} clearable />
        <ProblemAlert problem={change.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button loading={change.busy} disabled={!base && !level} onClick={() => void change.run(undefined).then(onClose, () => undefined)}>
            {t('design.save')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
