import { useTranslation } from 'react-i18next'
import { useSites, type Deviation, type Station } from '../../../api'
import { Ago, DataTable, Empty, Facts, Grid, IconPlug, Instant, Panel, useFormat, type Column } from '../../../design'
import { SecurityEvents } from '../../device'
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
      <Deviations rows={station.deviations} />
      <StatusHistory station={station.id} zone={zone} />
      <SecurityEvents station={station.id} zone={zone} />
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
        [t('station.field.created'), <Instant key="n" at={s.created_at} zone={zone} form="date" />],
      ]}
    />
  )
}

/** Where the station departs from its protocol, and how often. */
function Deviations({ rows }: { rows: Deviation[] }) {
  const { t } = useTranslation()
  const f = useFormat()
  if (rows.length === 0) return null
  const columns: Column<Deviation>[] = [
    { id: 'code', header: t('station.deviation.code'), card: 'lead', cell: (d) => <code>{d.code}</code> },
    { id: 'detail', header: t('station.deviation.detail'), cell: (d) => <span title={d.detail}>{d.detail}</span> },
    { id: 'action', header: t('station.messages.action'), cell: (d) => d.action || '–' },
    { id: 'count', header: t('station.deviation.count'), align: 'right', cell: (d) => f.number(d.count) },
    { id: 'last', header: t('station.deviation.last'), cell: (d) => <Ago at={d.last_at} /> },
  ]
  return (
    <Panel title={t('station.deviation.title')} flush>
      <p className={css.note}>{t('station.deviation.hint')}</p>
      <DataTable label={t('station.deviation.title')} rows={rows} columns={columns} rowKey={(d) => `${d.code}/${d.action}/${d.detail}`} />
    </Panel>
  )
}
