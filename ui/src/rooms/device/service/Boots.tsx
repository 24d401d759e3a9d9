import { useTranslation } from 'react-i18next'
import { stationPath, useList, type Boot } from '../../../api'
import { Empty, IconRefresh, Instant, ListView, NONE, Panel, ToneBadge, useLocalListState, type Column, type FilterDef, type Tone } from '../../../design'

const TONE: Record<string, Tone> = { Accepted: 'good', Pending: 'wait', Rejected: 'bad' }

/** When the station started, why, and how it was answered. */
export function Boots({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const state = useLocalListState('-at')
  const list = useList<Boot>(`${stationPath(station)}/boots`, state.params, { limit: 20 })
  const filters: FilterDef[] = [
    { field: 'reason', label: t('device.boot.reason'), kind: 'text' },
    { field: 'at', label: t('device.event.at'), kind: 'time' },
  ]
  const columns: Column<Boot>[] = [
    { id: 'at', header: t('device.event.at'), sort: 'at', card: 'lead', width: 190, cell: (b) => <Instant at={b.at} zone={zone} form="timeSeconds" /> },
    { id: 'reason', header: t('device.boot.reason'), cell: (b) => t(`device.boot.reasons.${b.reason || 'Unknown'}`, { defaultValue: b.reason }) },
    { id: 'status', header: t('device.boot.answer'), card: 'badge', width: 140, cell: (b) => <ToneBadge tone={TONE[b.status] ?? 'idle'}>{t(`device.boot.status.${b.status}`, { defaultValue: b.status })}</ToneBadge> },
    { id: 'firmware', header: t('station.field.firmware'), cell: (b) => b.firmware_version || NONE },
    { id: 'model', header: t('station.field.model'), cell: (b) => [b.vendor, b.model].filter(Boolean).join(' ') },
    { id: 'serial', header: t('station.field.serial'), cell: (b) => b.serial_number || NONE },
    { id: 'protocol', header: 'OCPP', width: 90, cell: (b) => b.protocol },
    { id: 'address', header: t('station.field.address'), hidden: true, cell: (b) => b.remote_addr || NONE },
  ]
  return (
    <Panel title={t('device.boot.title')} flush>
      <ListView name="boots" label={t('device.boot.title')} list={list} state={state} columns={columns} filters={filters} rowKey={(b) => b.at} empty={<Empty icon={<IconRefresh size={22} aria-hidden />} title={t('device.boot.none')} />} />
    </Panel>
  )
}
