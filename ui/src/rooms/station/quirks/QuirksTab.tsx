import { useTranslation } from 'react-i18next'
import { stationPath, useOne, type Quirks, type Station } from '../../../api'
import { Facts, Failed, Grid, Loading, Panel, ToneBadge, useFormat } from '../../../design'
import { clockTone } from './clock'
import { ConnectorMapPanel } from './ConnectorMapPanel'
import { Deviations } from './Deviations'
import { KnownQuirks } from './KnownQuirks'
import { Switches } from './Switches'

/** What the station does in its own way, and what is done about it. */
export function QuirksTab({ station }: { station: Station }) {
  const { t } = useTranslation()
  const { data, loading, problem, retry } = useOne<Quirks>(`${stationPath(station.id)}/quirks`, { refetchInterval: 30_000 })
  return (
    <Grid>
      <Panel title={t('quirk.clock')}>
        <Clock station={station} />
      </Panel>
      {problem && <Failed problem={problem} retry={retry} />}
      {!problem && loading && <Loading />}
      {data && (
        <>
          <Deviations rows={data.deviations} />
          <KnownQuirks rows={data.known} />
        </>
      )}
      {station.protocol === '1.6' && <ConnectorMapPanel station={station} />}
      {data && <Switches station={station.id} quirks={data} />}
    </Grid>
  )
}

function Clock({ station: s }: { station: Station }) {
  const { t } = useTranslation()
  const f = useFormat()
  const off = f.duration(Math.abs(s.clock_skew_s) * 1000)
  const text = s.clock_skew_s === 0 ? t('quirk.clockRight') : s.clock_skew_s > 0 ? t('quirk.clockAhead', { off }) : t('quirk.clockBehind', { off })
  return (
    <Facts
      items={[
        [t('quirk.skew'), <ToneBadge key="s" tone={clockTone(s.clock_skew_s)}>{text}</ToneBadge>],
        [t('quirk.heartbeat'), f.duration(s.heartbeat_s * 1000)],
      ]}
    />
  )
}
