import { useTranslation } from 'react-i18next'
import { stationPath, useList, useMay, type SecurityEvent } from '../../api'
import { DataTable, Instant, NONE, Panel, type Column } from '../../design'

/** What the station reported about its own security, latest first; nothing while there is nothing. */
export function SecurityEvents({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const list = useList<SecurityEvent>(`${stationPath(station)}/security-events`, { sort: '-received_at' }, { limit: 10, enabled: useMay('device.read') })
  const columns: Column<SecurityEvent>[] = [
    { id: 'at', header: t('device.security.at'), card: 'lead', width: 220, cell: (e) => <Instant at={e.at} zone={zone} form="timeSeconds" /> },
    { id: 'type', header: t('device.security.type'), cell: (e) => <code>{e.type}</code> },
    { id: 'info', header: t('device.security.info'), cell: (e) => <span title={e.tech_info}>{e.tech_info || NONE}</span> },
  ]
  if (list.problem || list.rows.length === 0) return null
  return (
    <Panel title={t('device.security.title')} flush>
      <DataTable
        label={t('device.security.title')}
        rows={list.rows}
        columns={columns}
        rowKey={(e) => e.id}
        hasMore={list.hasMore}
        more={list.more}
        moreByHand
      />
    </Panel>
  )
}
