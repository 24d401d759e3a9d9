import { useTranslation } from 'react-i18next'
import { useMay, type Station } from '../../../api'
import { Grid, Panel, useLocalListState } from '../../../design'
import { LocalListPanel } from '../../access'
import { CustomerInformation } from '../../device'
import { ReservationList, ReserveButton } from '../../reservation'

/** Who may charge at this station: reservations, its own list of tokens, and what it knows of a customer. */
export function DriversTab({ station }: { station: Station }) {
  const { t } = useTranslation()
  const state = useLocalListState('-created_at')
  const mayReserve = useMay('reservation.read')
  const mayTokens = useMay('token.read')
  return (
    <Grid>
      {mayReserve && (
        <Panel title={t('reservation.title')} actions={<ReserveButton station={station.id} />} flush>
          <ReservationList state={state} station={station.id} />
        </Panel>
      )}
      {mayTokens && <LocalListPanel station={station.id} online={station.online} />}
      <CustomerInformation station={station.id} protocol={station.protocol} />
    </Grid>
  )
}
