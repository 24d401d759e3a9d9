import { useTranslation } from 'react-i18next'
import { useList, useMay, useRefreshOn, type Reservation } from '../../api'
import { Instant, ToneBadge } from '../../design'
import { PATH } from './ReservationList'

/** The reservations that hold at a station now. */
export function useReservations(station: string): Reservation[] {
  const list = useList<Reservation>(PATH, { station_id: station, 'status[in]': 'requested,active' }, { limit: 50, enabled: useMay('reservation.read'), refetchInterval: 30_000 })
  useRefreshOn((e) => e.station === station && e.kind.startsWith('reservation.'), [PATH])
  return list.rows
}

/** For whom a port is kept, and until when. */
export function PortReservation({ reservations, evse, zone }: { reservations: Reservation[]; evse: number; zone?: string }) {
  const { t } = useTranslation()
  const here = reservations.filter((r) => r.evse_id === evse)
  return (
    <>
      {here.map((r) => (
        <div key={r.id}>
          <ToneBadge tone="held">
            {t('reservation.for', { token: r.id_token })} <Instant at={r.expires_at} zone={zone} />
          </ToneBadge>
        </div>
      ))}
    </>
  )
}
