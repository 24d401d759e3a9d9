import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { NotFound } from './NotFound'
import { Broken } from './Broken'
import { Root } from './Root'

const root = createRootRoute({ component: Root, notFoundComponent: NotFound })
const parent = () => root

const dashboard = createRoute({
  getParentRoute: parent,
  path: '/',
  component: lazyRouteComponent(() => import('../rooms/live'), 'DashboardPage'),
})
const signIn = createRoute({ getParentRoute: parent, path: '/sign-in' })
const stations = createRoute({
  getParentRoute: parent,
  path: '/stations',
  component: lazyRouteComponent(() => import('../rooms/station'), 'StationsPage'),
})
const station = createRoute({
  getParentRoute: parent,
  path: '/stations/$stationId/{-$tab}',
  component: lazyRouteComponent(() => import('../rooms/station'), 'StationPage'),
})
const waiting = createRoute({
  getParentRoute: parent,
  path: '/waiting-stations',
  component: lazyRouteComponent(() => import('../rooms/station'), 'KnockingPage'),
})
const stationImport = createRoute({
  getParentRoute: parent,
  path: '/station-import',
  component: lazyRouteComponent(() => import('../rooms/station'), 'ImportPage'),
})
const connectorMaps = createRoute({
  getParentRoute: parent,
  path: '/connector-maps',
  component: lazyRouteComponent(() => import('../rooms/station'), 'ModelMapsPage'),
})
const certificates = createRoute({
  getParentRoute: parent,
  path: '/certificates/{-$tab}',
  component: lazyRouteComponent(() => import('../rooms/pki'), 'CertificatesPage'),
})
const system = createRoute({
  getParentRoute: parent,
  path: '/system',
  component: lazyRouteComponent(() => import('../rooms/system'), 'SystemPage'),
})
const sessions = createRoute({
  getParentRoute: parent,
  path: '/sessions',
  component: lazyRouteComponent(() => import('../rooms/session'), 'SessionsPage'),
})
const session = createRoute({
  getParentRoute: parent,
  path: '/sessions/$sessionId',
  component: lazyRouteComponent(() => import('../rooms/session'), 'SessionPage'),
})
const sites = createRoute({
  getParentRoute: parent,
  path: '/sites',
  component: lazyRouteComponent(() => import('../rooms/location'), 'SitesPage'),
})
const idTokens = createRoute({
  getParentRoute: parent,
  path: '/id-tokens',
  component: lazyRouteComponent(() => import('../rooms/access'), 'IdTokensPage'),
})
const tariffs = createRoute({
  getParentRoute: parent,
  path: '/tariffs',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'TariffsPage'),
})
const tariff = createRoute({
  getParentRoute: parent,
  path: '/tariffs/$tariffId/{-$tab}',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'TariffPage'),
})
const tariffEditor = createRoute({
  getParentRoute: parent,
  path: '/tariff-editor/{-$tariffId}',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'EditorPage'),
})
const tariffWizard = createRoute({
  getParentRoute: parent,
  path: '/tariff-wizard',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'WizardPage'),
})
const pricing = createRoute({
  getParentRoute: parent,
  path: '/pricing/{-$tab}',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'PricingPage'),
})
const tariffGroup = createRoute({
  getParentRoute: parent,
  path: '/tariff-groups/$groupId',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'GroupPage'),
})
const tariffChange = createRoute({
  getParentRoute: parent,
  path: '/tariff-changes/$changeId',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'ChangePage'),
})
const priceSeries = createRoute({
  getParentRoute: parent,
  path: '/price-series/$seriesId',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'SeriesPage'),
})
const backtest = createRoute({
  getParentRoute: parent,
  path: '/tariff-backtests/$backtestId',
  component: lazyRouteComponent(() => import('../rooms/tariff'), 'BacktestPage'),
})
const held = createRoute({
  getParentRoute: parent,
  path: '/held-cdrs',
  component: lazyRouteComponent(() => import('../rooms/billing'), 'HeldPage'),
})
const cdrs = createRoute({
  getParentRoute: parent,
  path: '/cdrs',
  component: lazyRouteComponent(() => import('../rooms/billing'), 'CdrsPage'),
})
const cdr = createRoute({
  getParentRoute: parent,
  path: '/cdrs/$cdrId',
  component: lazyRouteComponent(() => import('../rooms/billing'), 'CdrPage'),
})
const templates = createRoute({
  getParentRoute: parent,
  path: '/templates/{-$tab}',
  component: lazyRouteComponent(() => import('../rooms/device'), 'TemplatesPage'),
})
const template = createRoute({
  getParentRoute: parent,
  path: '/device-templates/$templateId',
  component: lazyRouteComponent(() => import('../rooms/device'), 'TemplatePage'),
})
const firmware = createRoute({
  getParentRoute: parent,
  path: '/firmware/{-$tab}',
  component: lazyRouteComponent(() => import('../rooms/device'), 'FirmwarePage'),
})
const update = createRoute({
  getParentRoute: parent,
  path: '/firmware-updates/$updateId',
  component: lazyRouteComponent(() => import('../rooms/device'), 'UpdatePage'),
})
const displays = createRoute({
  getParentRoute: parent,
  path: '/display-messages',
  component: lazyRouteComponent(() => import('../rooms/device'), 'DisplayPage'),
})
const deviceEvents = createRoute({
  getParentRoute: parent,
  path: '/device-events',
  component: lazyRouteComponent(() => import('../rooms/device'), 'EventsPage'),
})
const reservations = createRoute({
  getParentRoute: parent,
  path: '/reservations',
  component: lazyRouteComponent(() => import('../rooms/reservation'), 'ReservationsPage'),
})
const settings = createRoute({
  getParentRoute: parent,
  path: '/settings/{-$tab}',
  component: lazyRouteComponent(() => import('../rooms/identity'), 'SettingsPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    dashboard,
    signIn,
    stations,
    station,
    waiting,
    stationImport,
    connectorMaps,
    certificates,
    system,
    sessions,
    session,
    sites,
    idTokens,
    tariffs,
    tariff,
    tariffEditor,
    tariffWizard,
    pricing,
    tariffGroup,
    tariffChange,
    priceSeries,
    backtest,
    held,
    cdrs,
    cdr,
    templates,
    template,
    firmware,
    update,
    displays,
    deviceEvents,
    reservations,
    settings,
  ]),
  defaultErrorComponent: Broken,
  defaultPreload: 'intent',
  scrollRestoration: true,
  // Plain "a=b" in the address, in the API's own grammar, instead of quoted JSON.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const entries = Object.entries(search).filter((e): e is [string, string] => typeof e[1] === 'string' && e[1] !== '')
    const query = new URLSearchParams(entries).toString()
    return query ? `?${query}` : ''
  },
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
