import { useTranslation } from 'react-i18next'
import { stationPath, useList, type DeviceEvent } from '../../../api'
import { Empty, IconAlert, Instant, ListView, NONE, Page, Panel, useLocalListState, useUrlListState, type Column, type FilterDef, type ListState } from '../../../design'
import { watched } from './monitor'
import { StationLink } from '../StationLink'
import { Severity, useSeverities } from './severity'

const TRIGGERS = ['Alerting', 'Delta', 'Periodic']

/** What a station's monitoring told, latest first. */
export function EventList({ station }: { station: string }) {
  const { t } = useTranslation()
  return (
    <Panel title={t('device.event.title')} flush>
      <Events path={`${stationPath(station)}/events`} name="device-events" state={useLocalListState('-received_at')} columns={useColumns()} />
    </Panel>
  )
}

/** The same of all stations. */
export function EventsPage() {
  const { t } = useTranslation()
  const columns = useColumns()
  const station: Column<DeviceEvent> = { id: 'station', header: t('device.station'), sort: 'station_id', width: 150, cell: (e) => <StationLink station={e.station_id} tab="monitoring" /> }
  return (
    <Page title={t('device.event.pageTitle')} subtitle={t('device.event.pageHint')}>
      <Panel flush>
        <Events
          path="/device-events"
          name="all-device-events"
          state={useUrlListState('-received_at')}
          columns={[...columns.slice(0, 1), station, ...columns.slice(1)]}
          search={{ param: 'station_id[contains]', placeholder: t('billing.search') }}
        />
      </Panel>
    </Page>
  )
}

interface EventsProps {
  path: string
  name: string
  state: ListState
  columns: Column<DeviceEvent>[]
  search?: { param: string; placeholder: string }
}

function Events({ path, name, state, columns, search }: EventsProps) {
  const { t } = useTranslation()
  const list = useList<DeviceEvent>(path, state.params, { limit: 50, refetchInterval: 15_000 })
  const filters: FilterDef[] = [
    { field: 'severity', label: t('device.monitor.severity'), kind: 'enum', options: useSeverities() },
    { field: 'trigger', label: t('device.event.trigger'), kind: 'enum', options: TRIGGERS.map((x) => ({ value: x, label: x })) },
    { field: 'component', label: t('device.field.component'), kind: 'text' },
    { field: 'variable', label: t('device.field.name'), kind: 'text' },
    { field: 'cleared', label: t('device.event.cleared'), kind: 'bool' },
    { field: 'at', label: t('device.event.at'), kind: 'time' },
  ]
  return (
    <ListView
      name={name}
      label={t('device.event.title')}
      list={list}
      state={state}
      columns={columns}
      filters={filters}
      search={search}
      rowKey={(e) => e.id}
      empty={
        <Empty icon={<IconAlert size={22} aria-hidden />} title={t('device.event.none')}>
          {t('device.event.noneHint')}
        </Empty>
      }
    />
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
