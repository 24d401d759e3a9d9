import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { stationPath, useMay, useOne, usePollInterval, useSites, type Station } from '../../../api'
import { Ago, Failed, Loading, OverflowTabs, Page } from '../../../design'
import { ChargingTab, DisplayTab, MonitoringTab, ServiceTab, VariablesTab } from '../../device'
import { SessionTable } from '../../session'
import { CommandsTab } from '../command/CommandsTab'
import { QuirksTab } from '../quirks/QuirksTab'
import { StatusBadge } from '../StatusBadge'
import { DriversTab } from './DriversTab'
import { EditStationButton } from './EditStation'
import { MessageLog } from './MessageLog'
import { Overview } from './Overview'
import { SecurityTab } from './SecurityTab'
import { StationMenu } from './StationMenu'

const TABS = [
  { id: 'overview', permission: 'station.read' },
  { id: 'sessions', permission: 'session.read' },
  { id: 'messages', permission: 'station.message' },
  { id: 'variables', permission: 'device.read' },
  { id: 'commands', permission: 'station.command' },
  { id: 'monitoring', permission: 'device.read' },
  { id: 'charging', permission: 'device.read' },
  { id: 'drivers', permission: 'station.read' },
  { id: 'display', permission: 'device.read' },
  { id: 'service', permission: 'device.read' },
  { id: 'security', permission: 'station.read' },
  { id: 'quirks', permission: 'station.read' },
] as const

type Tab = (typeof TABS)[number]['id']

export function StationPage() {
  const { t } = useTranslation()
  const { stationId, tab } = useParams({ from: '/stations/$stationId/{-$tab}' })
  const { data: station, loading, problem, retry } = useOne<Station>(stationPath(stationId), { refetchInterval: usePollInterval(60_000, 3_000) })
  const { byId } = useSites()
  const crumbs = [
    <Link key="stations" to="/stations" className="quiet">
      {t('station.list.title')}
    </Link>,
  ]
  if (!station) {
    return (
      <Page title={stationId} crumbs={crumbs}>
        {problem ? <Failed problem={problem} retry={retry} /> : loading && <Loading />}
      </Page>
    )
  }
  const site = byId.get(station.site ?? '')
  return (
    <Page
      title={station.name ? `${station.id} · ${station.name}` : station.id}
      crumbs={crumbs}
      aside={<StatusBadge status={station.status} />}
      subtitle={<Subtitle station={station} site={site?.name} />}
      actions={
        <>
          <EditStationButton station={station} />
          <StationMenu station={station} />
        </>
      }
    >
      <StationTabs station={station} zone={site?.time_zone} tab={tab} />
    </Page>
  )
}

function StationTabs({ station, zone, tab }: { station: Station; zone?: string; tab?: string }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const tabs = useTabs()
  const chosen: Tab = tabs.find((x) => x === tab) ?? 'overview'
  return (
    <OverflowTabs
      label={station.id}
      tabs={tabs.map((x) => ({ value: x, label: t(`station.tab.${x}`) }))}
      value={chosen}
      onChange={(v) => void navigate({ to: '/stations/$stationId/{-$tab}', params: { stationId: station.id, tab: v === 'overview' ? undefined : v } })}
    >
      {chosen === 'overview' && <Overview station={station} zone={zone} />}
      {chosen === 'sessions' && <SessionTable station={station.id} />}
      {chosen === 'messages' && <MessageLog station={station.id} zone={zone} />}
      {chosen === 'variables' && <VariablesTab station={station.id} online={station.online} protocol={station.protocol} />}
      {chosen === 'monitoring' && <MonitoringTab station={station.id} protocol={station.protocol} />}
      {chosen === 'charging' && <ChargingTab station={station.id} evses={station.evses.map((e) => e.id)} zone={zone} />}
      {chosen === 'drivers' && <DriversTab station={station} />}
      {chosen === 'display' && <DisplayTab station={station.id} />}
      {chosen === 'service' && <ServiceTab station={station.id} zone={zone} />}
      {chosen === 'security' && <SecurityTab station={station} zone={zone} />}
      {chosen === 'quirks' && <QuirksTab station={station} />}
      {chosen === 'commands' && <CommandsTab station={station} />}
    </OverflowTabs>
  )
}

function useTabs(): Tab[] {
  const may: Record<string, boolean> = {
    'station.read': useMay('station.read'),
    'session.read': useMay('session.read'),
    'station.message': useMay('station.message'),
    'device.read': useMay('device.read'),
    'station.command': useMay('station.command'),
  }
  return TABS.filter((x) => may[x.permission]).map((x) => x.id)
}

function Subtitle({ station, site }: { station: Station; site?: string }) {
  const { t } = useTranslation()
  const model = [station.vendor, station.model].filter(Boolean).join(' ')
  return (
    <>
      {[model, site].filter(Boolean).join(' · ')}
      {(model || site) && ' · '}
      {station.online ? t('station.online') : t('station.offline')}
      {!station.online && station.last_seen_at && (
        <>
          , {t('station.lastSeen')} <Ago at={station.last_seen_at} />
        </>
      )}
    </>
  )
}
