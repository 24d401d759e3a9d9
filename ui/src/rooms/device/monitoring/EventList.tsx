import { useTranslation } from 'react-i18next'
import { stationPath, useList, type DeviceEvent } from '../../../api'
import { Empty, IconAlert, Instant, ListView, NONE, Panel, useLocalListState, type Column, type FilterDef } from '../../../design'
import { watched } from './monitor'
import { Severity, useSeverities } from './severity'

/** What a station's monitoring told, latest first. */
export function EventList({ station }: { station: string }) {
  const { t } = useTranslation()
  const state = useLocalListState('-received_at')
  const list = useList<DeviceEvent>(`${stationPath(station)}/events`, state.params, { limit: 50, refetchInterval: 15_000 })
  const severities = useSeverities()
  const filters: FilterDef[] = [
    { field: 'severity', label: t('device.monitor.severity'), kind: 'enum', options: severities },
    { field: 'trigger', label: t('device.event.trigger'), kind: 'enum', options: ['Alerting', 'Delta', 'Periodic'].map((x) => ({ value: x, label: x })) },
    { field: 'component', label: t('device.field.component'), kind: 'text' },
    { field: 'variable', label: t('device.field.name'), kind: 'text' },
    { field: 'cleared', label: t('device.event.cleared'), kind: 'bool' },
    { field: 'at', label: t('device.event.at'), kind: 'time' },
  ]
  return (
    <Panel title={t('device.event.title')} flush>
      <ListView
        name="device-events"
        label={t('device.event.title')}
        list={list}
        state={state}
        columns={useColumns()}
        filters={filters}
        rowKey={(e) => e.id}
        empty={
          <Empty icon={<IconAlert size={22} aria-hidden />} title={t('device.event.none')}>
            {t('device.event.noneHint')}
          </Empty>
        }
      />
    </Panel>
  )
}

function useColumns(): Column<DeviceEvent>[] {
  const { t } = useTranslation()
  return [
    { id: 'at', header: t('device.event.at'), sort: 'at', card: 'lead', width: 170, cell: (e) => <Instant at={e.at} form="timeSeconds" /> },
    { id: 'severity', header: t('device.monitor.severity'), sort: 'severity', card: 'badge', width: 170, cell: (e) => <Severity level={e.severity} /> },
    { id: 'what', header: t('device.monitor.watched'), cell: (e) => <code title={watched(e)}>{watched(e)}</code> },
    { id: 'value', header: t('device.field.value'), cell: (e) => <code title={e.value}>{e.value || NONE}</code> },
    { id: 'trigger', header: t('device.event.trigger'), width: 110, cell: (e) => e.trigger },
    { id: 'cleared', header: t('device.event.cleared'), width: 110, cell: (e) => (e.cleared ? t('design.yes') : t('design.no')) },
    { id: 'tech', header: t('device.event.tech'), cell: (e) => <span title={e.tech_info}>{[e.tech_code, e.tech_info].filter(Boolean).join(' ') || NONE}</span> },
    { id: 'transaction', header: t('session.field.transaction'), hidden: true, cell: (e) => e.transaction_id ?? NONE },
  ]
}
