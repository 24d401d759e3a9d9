import { useTranslation } from 'react-i18next'
import { stationPath, useList, type ChargingLimit } from '../../../api'
import { DataTable, Empty, IconBolt, Instant, NONE, Panel, ProblemAlert, type Column } from '../../../design'
import css from '../device.module.css'
import { limitsOf, scheduleOf } from './schedule'

/** Limits that came to the station from the grid operator or its own energy management. */
export function Limits({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const list = useList<ChargingLimit>(`${stationPath(station)}/charging-limits`, { sort: '-since' }, { refetchInterval: 15_000 })
  const written = (l: ChargingLimit) => {
    const all = Array.isArray(l.schedule) ? l.schedule : [l.schedule]
    return all.map((s) => scheduleOf(s, Date.parse(l.since))).map((s) => (s ? limitsOf(s) : '')).filter(Boolean).join('; ') || NONE
  }
  const columns: Column<ChargingLimit>[] = [
    { id: 'source', header: t('device.charging.source'), card: 'lead', cell: (l) => l.source },
    { id: 'evse', header: t('device.field.evse'), cell: (l) => (l.evse_id === 0 ? t('station.command.wholeStation') : l.evse_id) },
    { id: 'limit', header: t('device.charging.limit'), cell: written },
    { id: 'critical', header: t('device.charging.critical'), cell: (l) => (l.grid_critical ? t('design.yes') : t('design.no')) },
    { id: 'local', header: t('device.charging.localGeneration'), cell: (l) => (l.local_generation ? t('design.yes') : t('design.no')) },
    { id: 'since', header: t('device.history.at'), cell: (l) => <Instant at={l.since} zone={zone} /> },
  ]
  return (
    <Panel title={t('device.charging.limits')} flush>
      <p className={css.note}>{t('device.charging.limitsHint')}</p>
      <ProblemAlert problem={list.problem} />
      <DataTable
        label={t('device.charging.limits')}
        rows={list.rows}
        columns={columns}
        rowKey={(l) => `${l.evse_id}/${l.source}`}
        loading={list.loading}
        hasMore={list.hasMore}
        more={list.more}
        moreByHand
        empty={<Empty icon={<IconBolt size={22} aria-hidden />} title={t('device.charging.noLimits')} />}
      />
    </Panel>
  )
}
