import { useTranslation } from 'react-i18next'
import { Page, Panel, useUrlListState } from '../../design'
import { ReservationList } from './ReservationList'
import { ReserveButton } from './ReserveDialog'

export function ReservationsPage() {
  const { t } = useTranslation()
  const state = useUrlListState('-created_at')
  return (
    <Page title={t('reservation.title')} subtitle={t('reservation.hint')} actions={<ReserveButton />}>
      <Panel flush>
        <ReservationList state={state} />
      </Panel>
    </Page>
  )
}
