import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, usePollInterval, useRefreshOn, useSites, type Session, type Site } from '../../api'
import {
  Empty,
  IconBolt,
  Instant,
  ListView,
  NONE,
  Panel,
  useFormat,
  useLocalListState,
  useNow,
  useUrlListState,
  type Column,
  type FilterDef,
  type ListState,
} from '../../design'
import { SESSION_STATUSES, SessionBadge } from './status'

/** The sessions of one station, or of all with the filters in the page's address. */
export function SessionTable({ station }: { station?: string }) {
  return station ? <OfStation station={station} /> : <OfAll />
}

function OfStation({ station }: { station: string }) {
  const state = useLocalListState('-started_at')
  return <Table state={state} station={station} />
}

function OfAll() {
  return <Table state={useUrlListState('-started_at')} />
}

function Table({ state, station }: { state: ListState; station?: string }) {
  const { t } = useTranslation()
  const params = station ? { ...state.params, station_id: station } : state.params
  const list = useList<Session>('/sessions', params, { refetchInterval: usePollInterval(60_000, 10_000) })
  useRefreshOn((e) => e.kind.startsWith('session.') && (!station || e.station === station), ['/sessions'], 3000)
  const { byId } = useSites()
  const navigate = useNavigate()
  return (
    <Panel flush>
      <ListView
        name={station ? 'station-sessions' : 'sessions'}
        label={t('session.list.title')}
        list={list}
        state={state}
        columns={useColumns(byId, station !== undefined)}
        filters={useFilters([...byId.values()], station !== undefined)}
        search={{ param: 'id_token[contains]', placeholder: t('session.list.search') }}
        rowKey={(s) => s.id}
        onOpen={(s) => void navigate({ to: '/sessions/$sessionId', params: { sessionId: s.id } })}
        empty={
          <Empty icon={<IconBolt size={22} aria-hidden />} title={t('session.list.empty')}>
            {t('session.list.emptyHint')}
          </Empty>
        }
      />
    </Panel>
  )
}

function useColumns(sites: Map<string, Site>, ofStation: boolean): Column<Session>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const now = useNow()
  const zone = (s: Session) => sites.get(s.site ?? '')?.time_zone
  const cost = (s: Session) => (s.cost ? f.money({ amount: s.cost.incl_vat, currency: s.cost.currency }) : NONE)
  const duration = (s: Session) => f.duration((s.ended_at ? Date.parse(s.ended_at) : now) - Date.parse(s.started_at))
  const all: (Column<Session> | false)[] = [
    {
      id: 'started',
      header: t('session.field.started'),
      sort: 'started_at',
      card: 'lead',
      cell: (s) => (
        <Link to="/sessions/$sessionId" params={{ sessionId: s.id }} className="link">
          <Instant at={s.started_at} zone={zone(s)} />
        </Link>
      ),
    },
    { id: 'status', header: t('session.field.status'), sort: 'status', card: 'badge', cell: (s) => <SessionBadge status={s.status} /> },
    !ofStation && {
      id: 'station',
      header: t('session.field.station'),
      sort: 'station_id',
      cell: (s) => (
        <Link to="/stations/$stationId/{-$tab}" params={{ stationId: s.station_id }} className="quiet">
          {s.station_id}
        </Link>
      ),
    },
    { id: 'evse', header: t('session.field.evse'), align: 'right', card: 'no', cell: (s) => s.evse_id },
    !ofStation && { id: 'site', header: t('session.field.site'), cell: (s) => sites.get(s.site ?? '')?.name ?? NONE },
    { id: 'duration', header: t('session.field.duration'), align: 'right', cell: duration },
    { id: 'energy', header: t('session.field.energy'), sort: 'energy_wh', align: 'right', cell: (s) => f.energy(s.energy_wh) },
    { id: 'cost', header: t('session.field.cost'), align: 'right', cell: cost },
    { id: 'token', header: t('session.field.idToken'), sort: 'id_token', cell: (s) => s.id_token || NONE },
    { id: 'ended', header: t('session.field.ended'), sort: 'ended_at', hidden: true, cell: (s) => <Instant at={s.ended_at} zone={zone(s)} /> },
    { id: 'reason', header: t('session.field.stopReason'), hidden: true, cell: (s) => s.stop_reason || NONE },
    { id: 'max', header: t('session.field.maxPower'), hidden: true, align: 'right', cell: (s) => f.power(s.max_power_w) },
    { id: 'transaction', header: t('session.field.transaction'), hidden: true, cell: (s) => s.transaction_id || NONE },
    { id: 'protocol', header: t('station.field.protocol'), hidden: true, cell: (s) => s.protocol || NONE },
  ]
  return all.filter((c) => c !== false)
}

function useFilters(sites: Site[], ofStation: boolean): FilterDef[] {
  const { t } = useTranslation()
  const all: (FilterDef | false)[] = [
    {
      field: 'status',
      label: t('session.field.status'),
      kind: 'enum',
      options: SESSION_STATUSES.map((s) => ({ value: s, label: t(`session.status.${s}`) })),
    },
    !ofStation && { field: 'station_id', label: t('session.field.station'), kind: 'text' },
    !ofStation && { field: 'site', label: t('session.field.site'), kind: 'enum', options: sites.map((s) => ({ value: s.id, label: s.name })) },
    { field: 'started_at', label: t('session.field.started'), kind: 'time' },
    { field: 'ended_at', label: t('session.field.ended'), kind: 'time' },
    { field: 'energy_wh', label: t('session.field.energy'), kind: 'number', unit: { label: 'kWh', factor: 1000 } },
    { field: 'stop_reason', label: t('session.field.stopReason'), kind: 'text' },
  ]
  return all.filter((d) => d !== false)
}
