import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { post, useChange, useList, useMay, useRefreshOn, type Reservation } from '../../api'
import { Empty, IconCalendar, Instant, ListView, NONE, ToneBadge, useConfirm, type Column, type FilterDef, type ListState, type Tone } from '../../design'

const STATES = ['requested', 'active', 'used', 'cancelled', 'expired', 'rejected'] as const
const TONE: Record<Reservation['status'], Tone> = { requested: 'active', active: 'held', used: 'good', cancelled: 'idle', expired: 'idle', rejected: 'bad' }

export const PATH = '/reservations'

interface Props {
  state: ListState
  /** Only those of one station. */
  station?: string
}

/** Reservations with a way to cancel those that still hold. */
export function ReservationList({ state, station }: Props) {
  const { t } = useTranslation()
  const list = useList<Reservation>(PATH, station ? { ...state.params, station_id: station } : state.params, { refetchInterval: 15_000 })
  useRefreshOn((e) => e.kind.startsWith('reservation.') && (!station || e.station === station), [PATH])
  const may = useMay('reservation.write')
  const cancel = useChange((id: string) => post<Reservation>(`${PATH}/${encodeURIComponent(id)}/cancel`), [PATH])
  const confirm = useConfirm()
  const ask = (r: Reservation) =>
    confirm.ask({
      title: t('reservation.cancelTitle'),
      text: t('reservation.cancelHint', { token: r.id_token, station: r.station_id }),
      action: t('reservation.cancelYes'),
      run: () => cancel.run(r.id),
    })
  const filters: FilterDef[] = [
    { field: 'status', label: t('reservation.field.status'), kind: 'enum', options: STATES.map((s) => ({ value: s, label: t(`reservation.status.${s}`) })) },
    ...(station ? [] : [{ field: 'station_id', label: t('station.field.id'), kind: 'text' as const }]),
    { field: 'expires_at', label: t('reservation.field.expires'), kind: 'time' },
  ]
  return (
    <>
      {confirm.dialog}
      <ListView
        name="reservations"
        label={t('reservation.title')}
        list={list}
        state={state}
        columns={useColumns(station !== undefined, may ? ask : undefined)}
        filters={filters}
        search={{ param: 'id_token[contains]', placeholder: t('session.list.search') }}
        rowKey={(r) => r.id}
        empty={
          <Empty icon={<IconCalendar size={22} aria-hidden />} title={t('reservation.empty')}>
            {t('reservation.emptyHint')}
          </Empty>
        }
      />
    </>
  )
}

const isOpen = (r: Reservation) => r.status === 'requested' || r.status === 'active'

function useColumns(one: boolean, cancel?: (r: Reservation) => void): Column<Reservation>[] {
  const { t } = useTranslation()
  const place: Column<Reservation> = {
    id: 'station',
    header: t('station.field.id'),
    sort: 'station_id',
    cell: (r) => (
      <Link to="/stations/$stationId/{-$tab}" params={{ stationId: r.station_id, tab: undefined }} className="link">
        {r.station_id}
      </Link>
    ),
  }
  return [
    { id: 'token', header: t('session.field.idToken'), sort: 'id_token', card: 'lead', cell: (r) => <code>{r.id_token}</code> },
    ...(one ? [] : [place]),
    { id: 'evse', header: t('session.field.evse'), sort: 'evse_id', width: 110, cell: (r) => (r.evse_id === 0 ? t('reservation.any') : r.evse_id) },
    { id: 'status', header: t('reservation.field.status'), sort: 'status', card: 'badge', width: 150, cell: (r) => <ToneBadge tone={TONE[r.status]}>{t(`reservation.status.${r.status}`)}</ToneBadge> },
    { id: 'until', header: t('reservation.field.expires'), sort: 'expires_at', cell: (r) => <Instant at={r.expires_at} /> },
    { id: 'kept', header: t('reservation.field.kept'), cell: (r) => t(`reservation.kept.${r.kept_by}`) },
    { id: 'reason', header: t('reservation.field.reason'), cell: (r) => <span title={r.reason}>{r.reason || NONE}</span> },
    { id: 'made', header: t('reservation.field.created'), sort: 'created_at', hidden: true, cell: (r) => <Instant at={r.created_at} /> },
    {
      id: 'session',
      header: t('session.title'),
      cell: (r) =>
        r.session ? (
          <Link to="/sessions/$sessionId" params={{ sessionId: r.session }} className="link">
            {t('station.evse.openSession')}
          </Link>
        ) : (
          NONE
        ),
    },
    {
      id: 'cancel',
      header: '',
      width: 110,
      cell: (r) =>
        cancel && isOpen(r) ? (
          <Button size="compact-xs" variant="default" onClick={() => cancel(r)} data-testid="reservation-cancel">
            {t('reservation.cancel')}
          </Button>
        ) : null,
    },
  ]
}
