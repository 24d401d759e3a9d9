import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useSites, type Station } from '../../../api'
import { Ago, Empty, Facts, Grid, IconPlug, Instant, Panel, useFormat } from '../../../design'
import { useReservations } from '../../reservation'
import { EvseCard } from './EvseCard'
import css from './page.module.css'
import { StatusHistory } from './StatusHistory'
import { Warnings } from './Warnings'

export function Overview({ station, zone }: { station: Station; zone?: string }) {
  const { t } = useTranslation()
  const reservations = useReservations(station.id)
  return (
    <Grid>
      <Warnings station={station} />
      {station.evses.length > 0 ? (
        <div className={css.evses}>
          {station.evses.map((e) => (
            <EvseCard key={e.id} station={station} evse={e} reservations={reservations} zone={zone} />
          ))}
        </div>
      ) : (
        <Panel>
          <Empty icon={<IconPlug size={22} aria-hidden />} title={t('station.noEvses')}>
            {t('station.noEvsesHint')}
          </Empty>
        </Panel>
      )}
      <Panel title={t('station.facts')}>
        <StationFacts station={station} zone={zone} />
      </Panel>
      <StatusHistory station={station.id} zone={zone} />
    </Grid>
  )
}

function StationFacts({ station: s, zone }: { station: Station; zone?: string }) {
  const { t } = useTranslation()
  const { byId } = useSites()
  return (
    <Facts
      items={[
        [t('station.field.vendor'), s.vendor],
        [t('station.field.model'), s.model],
        [t('station.field.serial'), s.serial_number],
        [t('station.field.firmware'), s.firmware_version],
        [t('station.field.protocol'), s.protocol && `OCPP ${s.protocol}`],
        [t('station.field.profile'), t(`station.profile.${s.security_profile}`)],
        [t('station.field.site'), byId.get(s.site ?? '')?.name ?? s.site],
        [t('station.field.connected'), s.online ? <Instant key="c" at={s.connected_at} zone={zone} /> : undefined],
        [t('station.field.lastSeen'), <Ago key="l" at={s.last_seen_at} />],
        [t('station.field.address'), s.remote_addr],
        [t('station.field.modem'), [s.iccid, s.imsi].filter(Boolean).join(' / ')],
        [t('station.deviation.title'), s.deviations.length > 0 ? <DeviationLink key="d" station={s} /> : undefined],
        [t('station.field.created'), <Instant key="n" at={s.created_at} zone={zone} form="date" />],
      ]}
    />
  )
}

function DeviationLink({ station: s }: { station: Station }) {
  const f = useFormat()
  return (
    <Link to="/stations/$stationId/{-$tab}" params={{ stationId: s.id, tab: 'quirks' }} className="link">
      {f.number(s.deviations.length)}
    </Link>
  )
}
