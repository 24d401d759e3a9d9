import { useTranslation } from 'react-i18next'
import { stationPath, useList, useRefreshOn, type StationChange } from '../../../api'
import { DataTable, Instant, Panel, useFormat, type Column } from '../../../design'
import { StatusBadge } from '../StatusBadge'

/** The states the ports took, latest first. */
export function StatusHistory({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const path = `${stationPath(station)}/status-history`
  const list = useList<StationChange>(path, { sort: '-at' }, { limit: 15 })
  useRefreshOn((e) => e.station === station && e.kind.startsWith('station.'), [path], 2000)
  const columns: Column<StationChange>[] = [
    { id: 'at', header: t('station.history.at'), card: 'lead', cell: (c) => <Instant at={c.at} zone={zone} form="timeSeconds" /> },
    { id: 'status', header: t('station.field.status'), card: 'badge', cell: (c) => <StatusBadge status={c.status} suspect={c.suspect} /> },
    { id: 'evse', header: t('session.field.evse'), align: 'right', width: 120, cell: (c) => f.number(c.evse_id) },
    { id: 'error', header: t('station.history.error'), cell: (c) => c.error_code || '–' },
  ]
  if (list.problem || list.rows.length === 0) return null
  return (
    <Panel title={t('station.history.title')} flush>
      <DataTable
        label={t('station.history.title')}
        rows={list.rows}
        columns={columns}
        rowKey={(c) => `${c.at}/${c.evse_id}/${c.status}`}
        hasMore={list.hasMore}
        more={list.more}
        moreByHand
      />
    </Panel>
  )
}
