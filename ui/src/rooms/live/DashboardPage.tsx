import { useTranslation } from 'react-i18next'
import { useFleet, useSites } from '../../api'
import { Failed, Grid, Page, Panel } from '../../design'
import { AddStationButton, KnockingButton, NoStations, StationTable } from '../station'
import { Attention } from './Attention'
import { Counters } from './Counters'
import css from './live.module.css'
import { MapPanel } from './MapPanel'

/** The first page: what the network is doing now. */
export function DashboardPage() {
  const { t } = useTranslation()
  const fleet = useFleet()
  const sites = useSites()
  return (
    <Page
      title={t('live.title')}
      actions={
        <>
          <KnockingButton />
          <AddStationButton />
        </>
      }
    >
      <Grid>
        {fleet.problem && !fleet.rows ? (
          <Panel>
            <Failed problem={fleet.problem} retry={fleet.retry} />
          </Panel>
        ) : fleet.rows?.length === 0 ? (
          <Panel>
            <NoStations />
          </Panel>
        ) : (
          <>
            <Counters stations={fleet.rows} />
            <div className={css.top}>
              <MapPanel stations={fleet.rows ?? []} sites={sites.rows ?? []} />
              <Attention stations={fleet.rows} sites={sites.byId} />
            </div>
            <Panel title={t('station.list.title')} flush>
              <StationTable empty={<NoStations />} />
            </Panel>
          </>
        )}
      </Grid>
    </Page>
  )
}
