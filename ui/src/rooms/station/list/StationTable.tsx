import { Link, useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { exportUrl, STATIONS, useList, usePollInterval, useSites, type Site, type Station } from '../../../api'
import { Ago, Instant, ListView, NONE, useFormat, useUrlListState, type Column, type FilterDef } from '../../../design'
import { powerOf, STATUSES, useStatusLabel } from '../status'
import { PortDots, StatusBadge } from '../StatusBadge'

/** The same stations in the columns of an import. */
const INVENTORY = `${STATIONS}/export`

/** Every station, as a table whose filters are in the page's address. */
export function StationTable({ empty }: { empty: ReactNode }) {
  const { t } = useTranslation()
  const state = useUrlListState('id')
  const list = useList<Station>(STATIONS, state.params, { refetchInterval: usePollInterval() })
  const { rows: sites, byId } = useSites()
  const navigate = useNavigate()
  return (
    <ListView
      name="stations"
      label={t('station.list.title')}
      list={list}
      state={state}
      columns={useStationColumns(byId)}
      filters={useStationFilters(sites ?? [])}
      search={{ param: 'q', placeholder: t('station.list.search') }}
      rowKey={(s) => s.id}
      onOpen={(s) => void navigate({ to: '/stations/$stationId/{-$tab}', params: { stationId: s.id } })}
      exports={[
        { label: t('bulk.exportXlsx'), href: exportUrl(INVENTORY, state.params, 'xlsx') },
        { label: t('bulk.exportCsv'), href: exportUrl(INVENTORY, state.params, 'csv') },
      ]}
      empty={empty}
    />
  )
}

export function StationLink({ id }: { id: string }) {
  return (
    <Link to="/stations/$stationId/{-$tab}" params={{ stationId: id }} className="link">
      {id}
    </Link>
  )
}

function useStationColumns(sites: Map<string, Site>): Column<Station>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const power = (s: Station) => (powerOf(s) > 0 ? f.power(powerOf(s)) : NONE)
  return [
    { id: 'id', header: t('station.field.id'), sort: 'id', card: 'lead', cell: (s) => <StationLink id={s.id} /> },
    { id: 'name', header: t('station.field.name'), sort: 'name', hidden: true, cell: (s) => s.name || NONE },
    { id: 'status', header: t('station.field.status'), sort: 'status', card: 'badge', cell: (s) => <StatusBadge status={s.status} /> },
    { id: 'evses', header: t('station.field.ports'), cell: (s) => <PortDots station={s} /> },
    { id: 'power', header: t('station.field.power'), align: 'right', cell: power },
    { id: 'site', header: t('station.field.site'), sort: 'site_name', cell: (s) => s.site_name || NONE },
    { id: 'model', header: t('station.field.model'), sort: 'vendor', cell: (s) => [s.vendor, s.model].filter(Boolean).join(' ') || NONE },
    { id: 'protocol', header: t('station.field.protocol'), sort: 'protocol', card: 'no', cell: (s) => s.protocol || NONE },
    { id: 'last_seen', header: t('station.field.lastSeen'), sort: 'last_seen_at', cell: (s) => <Ago at={s.last_seen_at} /> },
    { id: 'firmware', header: t('station.field.firmware'), sort: 'firmware_version', hidden: true, cell: (s) => s.firmware_version || NONE },
    { id: 'serial', header: t('station.field.serial'), sort: 'serial_number', hidden: true, cell: (s) => s.serial_number || NONE },
    { id: 'profile', header: t('station.field.profile'), sort: 'security_profile', hidden: true, cell: (s) => s.security_profile },
    {
      id: 'created',
      header: t('station.field.created'),
      sort: 'created_at',
      hidden: true,
      cell: (s) => <Instant at={s.created_at} zone={sites.get(s.site ?? '')?.time_zone} form="date" />,
    },
  ]
}

function useStationFilters(sites: Site[]): FilterDef[] {
  const { t } = useTranslation()
  const label = useStatusLabel()
  return [
    { field: 'status', label: t('station.field.status'), kind: 'enum', options: STATUSES.map((s) => ({ value: s, label: label(s) })) },
    { field: 'site', label: t('station.field.site'), kind: 'enum', options: sites.map((s) => ({ value: s.id, label: s.name })) },
    { field: 'online', label: t('station.field.online'), kind: 'bool' },
    { field: 'active', label: t('station.field.active'), kind: 'bool' },
    { field: 'vendor', label: t('station.field.vendor'), kind: 'text' },
    { field: 'model', label: t('station.field.model'), kind: 'text' },
    {
      field: 'protocol',
      label: t('station.field.protocol'),
      kind: 'enum',
      options: ['1.6', '2.0.1', '2.1'].map((v) => ({ value: v, label: v })),
    },
    { field: 'last_seen_at', label: t('station.field.lastSeen'), kind: 'time' },
  ]
}
