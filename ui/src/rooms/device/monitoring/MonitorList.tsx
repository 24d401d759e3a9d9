import { ActionIcon } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { del, stationPath, useChange, useList, type Monitor } from '../../../api'
import { Ago, Empty, IconGauge, IconX, ListView, useConfirm, useFormat, useLocalListState, type Column, type FilterDef } from '../../../design'
import { MONITOR_TYPES, watched } from './monitor'
import { Severity } from './severity'

/** The monitors a station told, with a way to remove those that may be removed. */
export function MonitorList({ station, mayClear }: { station: string; mayClear: boolean }) {
  const { t } = useTranslation()
  const path = `${stationPath(station)}/monitors`
  const state = useLocalListState('component')
  const list = useList<Monitor>(path, state.params, { refetchInterval: 15_000 })
  const clear = useChange((id: number) => del(`${path}?monitor=${id}`), [path])
  const confirm = useConfirm()
  const ask = (m: Monitor) => confirm.ask({ title: t('device.monitor.clear', { id: m.id }), text: watched(m), action: t('design.delete'), run: () => clear.run(m.id) })
  const columns = useColumns(mayClear ? ask : undefined)
  const filters: FilterDef[] = [
    { field: 'component', label: t('device.field.component'), kind: 'text' },
    { field: 'type', label: t('device.monitor.type'), kind: 'enum', options: MONITOR_TYPES.map((x) => ({ value: x, label: x })) },
    { field: 'severity', label: t('device.monitor.severity'), kind: 'number' },
  ]
  return (
    <>
      {confirm.dialog}
      <ListView
        name="monitors"
        label={t('device.monitor.title')}
        list={list}
        state={state}
        columns={columns}
        filters={filters}
        rowKey={(m) => String(m.id)}
        empty={
          <Empty icon={<IconGauge size={22} aria-hidden />} title={t('device.monitor.none')}>
            {t('device.monitor.noneHint')}
          </Empty>
        }
      />
    </>
  )
}

/** What the maker built in cannot be cleared. OCPP 2.0.1 N06.FR.03 */
const isFixed = (m: Monitor) => m.kind === 'HardWiredMonitor'

function useColumns(clear?: (m: Monitor) => void): Column<Monitor>[] {
  const { t } = useTranslation()
  const f = useFormat()
  return [
    { id: 'id', header: 'Id', sort: 'id', align: 'right', width: 80, cell: (m) => m.id },
    { id: 'watched', header: t('device.monitor.watched'), sort: 'component', card: 'lead', cell: (m) => <code title={watched(m)}>{watched(m)}</code> },
    { id: 'type', header: t('device.monitor.type'), sort: 'type', cell: (m) => m.type },
    { id: 'value', header: t('device.monitor.value'), align: 'right', width: 120, cell: (m) => f.number(m.value, 2) },
    { id: 'severity', header: t('device.monitor.severity'), sort: 'severity', card: 'badge', width: 170, cell: (m) => <Severity level={m.severity} /> },
    { id: 'kind', header: t('device.monitor.kind'), cell: (m) => m.kind },
    { id: 'seen', header: t('device.field.updated'), width: 120, cell: (m) => <Ago at={m.seen_at} /> },
    {
      id: 'clear',
      header: '',
      width: 60,
      cell: (m) =>
        clear && !isFixed(m) ? (
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('device.monitor.clear', { id: m.id })} title={t('device.monitor.clear', { id: m.id })} onClick={() => clear(m)}>
            <IconX size={15} aria-hidden />
          </ActionIcon>
        ) : null,
    },
  ]
}
