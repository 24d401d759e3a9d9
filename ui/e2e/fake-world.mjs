// The invented network behind fake-api.mjs: sites, stations and sessions that move.

export const USER = { id: 'u1', email: 'owner@example.org', name: 'Ada Owner', role: 'owner', organisation: 'org1', language: 'en' }
export const PASSWORD = 'a long password'
export const ORGANISATION = { id: 'org1', name: 'Forecourt', country: 'DE', currency: 'EUR', time_zone: 'Europe/Berlin', language: 'en' }

const PERMISSIONS = 'station.read station.write station.command station.message device.read device.write site.read site.write token.read token.write tariff.read tariff.write session.read session.write cdr.read organisation.read user.read user.write role.read apikey.read apikey.write event.read certificate.read certificate.write system.read'.split(' ')

export const me = () => ({ user: USER, organisation: ORGANISATION, grants: [{ organisation: 'org1', name: 'Forecourt', role: 'owner' }], permissions: PERMISSIONS, language: 'en', csrf_token: 'csrf' })

const MINUTE = 60_000
const now = () => Date.now()
const iso = (ms) => new Date(ms).toISOString()
let seed = 7
const random = () => ((seed = (seed * 16807) % 2147483647) - 1) / 2147483646

export const sites = [
  ['berlin', 'Berlin Hauptbahnhof', 'Europaplatz 1', '10557', 'Berlin', 'DE', '52.525084', '13.369402', 'Europe/Berlin', 'EUR'],
  ['lyon', 'Lyon Part-Dieu', 'Place Charles Béraudier 5', '69003', 'Lyon', 'FR', '45.760540', '4.859570', 'Europe/Paris', 'EUR'],
  ['montreal', 'Montréal Gare Centrale', 'Rue De La Gauchetière 895', 'H3B 4G1', 'Montréal', 'CA', '45.499730', '-73.566790', 'America/Toronto', 'CAD'],
  ['oslo', 'Oslo Sentralstasjon', 'Jernbanetorget 1', '0154', 'Oslo', 'NO', '59.910790', '10.752900', 'Europe/Oslo', 'NOK'],
].map(([id, name, street, postal_code, city, country, latitude, longitude, time_zone, currency]) => ({
  id, organisation: 'org1', name, address: { street, postal_code, city, country }, latitude, longitude, time_zone, currency, created_at: iso(now() - 9e9),
}))

const MODELS = [
  ['Alfen', 'Eve Double Pro', '1.6', 2, 22_000, 'IEC_62196_T2'],
  ['Kempower', 'Satellite S', '2.0.1', 2, 240_000, 'IEC_62196_T2_COMBO'],
  ['Wallbox', 'Pulsar Max', '1.6', 1, 11_000, 'IEC_62196_T2'],
  ['ABB', 'Terra 184', '2.1', 2, 180_000, 'IEC_62196_T2_COMBO'],
]
const IDLE = ['available', 'available', 'available', 'preparing', 'finishing', 'reserved', 'unavailable']

export const stations = []
export const sessions = []
export const cdrs = []

function cost(wh, price, currency) {
  const net = Math.round(wh * price) / 1000
  return { currency, excl_vat: net.toFixed(2), incl_vat: (net * 1.2).toFixed(2) }
}

function explanation(wh, price) {
  const net = Math.round(wh * price) / 1000
  return { lines: [{ kind: 'session', dimension: 'ENERGY', element: 0, quantity: (wh / 1000).toFixed(3), unit: 'kWh', unit_price: price.toFixed(2), vat: '20', excl_vat: net.toFixed(2), incl_vat: (net * 1.2).toFixed(2), explanation: ['element 1 of the tariff', 'no restriction'] }] }
}

function addSession(station, evse, startedAgo, endedAgo) {
  const site = sites.find((s) => s.id === station.site)
  const power = Math.round(evse.connectors[0].max_power_w * (0.45 + random() * 0.5))
  const hours = (startedAgo - (endedAgo ?? 0)) / 60 / 2
  const wh = Math.round(Math.min(power * hours, 72_000))
  const id = `019a-${String(sessions.length + 1).padStart(4, '0')}`
  const dc = station.protocol !== '1.6'
  const s = {
    id, station_id: station.id, evse_id: evse.id, connector_id: 1, site: station.site, organisation: 'org1',
    id_token: tokens[Math.floor(random() * 5)].id_token, transaction_id: dc ? `tx-${id}` : String(1000 + sessions.length),
    status: endedAgo === undefined ? 'active' : 'completed', charging_state: endedAgo === undefined ? 'Charging' : 'Idle',
    started_at: iso(now() - startedAgo * MINUTE), energy_started_at: iso(now() - (startedAgo - 1) * MINUTE), energy_wh: wh,
    meter_start_wh: 1_204_000, max_power_w: power, protocol: station.protocol, tariff: 'standard', flags: random() < 0.15 ? ['offline'] : [],
    cost: cost(wh, 0.45, site.currency), ...(dc ? { soc: 64 } : {}),
  }
  if (endedAgo === undefined) {
    Object.assign(evse, { status: 'charging', session_id: id, power_w: power, status_since: s.started_at })
    s.power_w = power
  } else {
    Object.assign(s, { ended_at: iso(now() - endedAgo * MINUTE), energy_ended_at: iso(now() - (endedAgo + 4) * MINUTE), unplugged_at: iso(now() - endedAgo * MINUTE), stop_reason: 'EVDisconnected', meter_stop_wh: 1_204_000 + wh })
    cdrs.push({ id: `cdr-${id}`, session_id: id, station_id: station.id, issued_at: s.ended_at, started_at: s.started_at, ended_at: s.ended_at, energy_wh: wh, number: cdrs.length + 1, kind: 'cdr', cost: s.cost, explanation: explanation(wh, 0.45), tariff: 'standard', ocpi: { id: `cdr-${id}`, country_code: 'DE', party_id: 'FOR', currency: site.currency, total_energy: wh / 1000 } })
  }
  sessions.push(s)
}

export const tokens = ['04A1B2C3D4E5F6', '04F60718293A4B', 'DE-FOR-C12345678-X', '0412AB34CD56EF', 'APP-2KQ9', '04DEADBEEF0001'].map((id_token, i) => ({
  id_token, type: id_token.startsWith('04') ? 'ISO14443' : id_token.startsWith('DE') ? 'eMAID' : 'Central', status: i === 5 ? 'blocked' : 'active', organisation: 'org1', ...(i < 2 ? { group: 'Fleet North' } : {}), ...(i === 3 ? { expiry: iso(now() + 9e9) } : {}),
}))

for (let i = 0; i < 42; i++) {
  const [vendor, model, protocol, count, max_power_w, type] = MODELS[i % MODELS.length]
  const site = sites[i % 4]
  const online = i % 13 !== 5
  const evses = Array.from({ length: count }, (_, n) => ({
    id: n + 1, status: online ? IDLE[Math.floor(random() * IDLE.length)] : 'unreachable', status_since: iso(now() - random() * 3e6), operative: true, suspect: false, in_use: false,
    connectors: [{ id: 1, type, status: 'Available', format: 'CABLE', power_type: protocol === '1.6' ? 'AC_3_PHASE' : 'DC', max_power_w }],
  }))
  const s = {
    id: `${site.address.country}-${vendor.slice(0, 3).toUpperCase()}-${String(i + 1).padStart(3, '0')}`, organisation: 'org1', site: site.id, site_name: site.name, active: true, operative: true, quarantined: false, clock_skew_s: 0, heartbeat_s: 300, security_profile: 1 + (i % 2),
    vendor, model, serial_number: `SN${100000 + i * 37}`, firmware_version: `${1 + (i % 3)}.${i % 7}.0`, protocol, online,
    last_seen_at: iso(now() - (online ? random() * 20_000 : 4e6 + i * 1e5)), connected_at: iso(now() - 3e7), status: 'available', evses, created_at: iso(now() - 8e9),
    deviations: i % 9 === 0 ? [{ code: 'status.connector_zero', detail: 'StatusNotification for connector 0 with status Charging', count: 12, last_at: iso(now() - 5e5) }] : [],
  }
  stations.push(s)
  if (online && i % 11 === 3) Object.assign(evses[0], { status: 'faulted' })
  else if (online && i % 3 !== 2) addSession(s, evses[0], 8 + random() * 50)
  for (let k = 0; k < 3; k++) addSession(s, evses[count - 1], 200 + k * 400 + random() * 100, 130 + k * 400)
  summarise(s)
}

function summarise(s) {
  const order = ['faulted', 'charging', 'preparing', 'finishing', 'suspended_ev', 'reserved', 'available', 'unavailable', 'unreachable']
  s.status = s.online ? (order.find((o) => s.evses.some((e) => e.status === o)) ?? 'available') : 'unreachable'
}

export const history = (id) =>
  (stations.find((s) => s.id === id)?.evses ?? []).flatMap((e) =>
    ['available', 'preparing', e.status].map((status, i) => ({ evse_id: e.id, at: iso(now() - (4 - i) * 9e5), status, suspect: false, in_use: false })),
  ).sort((a, b) => b.at.localeCompare(a.at))

export const knocking = [{ id: 'GARAGE-7', first_at: iso(now() - 6e6), last_at: iso(now() - 20_000), count: 41, remote_addr: '203.0.113.7', protocols: 'ocpp1.6', reason: 'unknown', user_agent: 'libwebsockets' }]
export const tariffs = [{ id: 'standard', country_code: 'DE', party_id: 'FOR', currency: 'EUR', type: 'REGULAR', summary: 'energy 0.45 EUR per kWh, including VAT', elements: [{ price_components: [{ type: 'ENERGY', price: 0.45, vat: 20, step_size: 1 }] }], last_updated: iso(now() - 5e9) }]
export const assignments = [{ id: 'as1', tariff: 'standard', level: 'organisation', organisation: 'org1', created_at: iso(now() - 4e9) }]
export const users = [USER, { id: 'u2', email: 'tech@example.org', name: 'Tom Technician', role: 'technician', organisation: 'org1' }]
export const roles = ['owner', 'operator', 'technician', 'viewer'].map((id) => ({ id, name: id, permissions: [], builtin: true }))
export const keys = [{ id: 'k1', name: 'Data warehouse', role: 'viewer', organisation: 'org1', created_at: iso(now() - 4e9), last_used_at: iso(now() - 6e5) }]
export const variables = [
  ['OCPPCommCtrlr', 'HeartbeatInterval', '300', 'ReadWrite', 'integer'], ['OCPPCommCtrlr', 'WebSocketPingInterval', '30', 'ReadWrite', 'integer'], ['AuthCtrlr', 'AuthorizeRemoteStart', 'true', 'ReadWrite', 'boolean'],
  ['ChargingStation', 'Model', 'Eve Double Pro', 'ReadOnly', 'string'], ['SampledDataCtrlr', 'TxUpdatedMeasurands', 'Energy.Active.Import.Register,Power.Active.Import,SoC', 'ReadWrite', 'MemberList'], ['SecurityCtrlr', 'BasicAuthPassword', '', 'WriteOnly', 'string'],
].map(([component, variable, value, mutability, data_type]) => ({ component, variable, attribute: 'Actual', value, mutability, data_type, updated_at: iso(now() - 4e6) }))

export const messages = stations.slice(0, 12).flatMap((s, n) =>
  Array.from({ length: 70 }, (_, i) => {
    const [action, payload] = [['Heartbeat', {}], ['MeterValues', { connectorId: 1, transactionId: 1000 + n, meterValue: [{ timestamp: iso(now() - i * 8e3), sampledValue: [{ value: String(1204000 + i), measurand: 'Energy.Active.Import.Register', unit: 'Wh' }] }] }], ['StatusNotification', { connectorId: 1, status: 'Charging', errorCode: 'NoError' }]][(i >> 1) % 3]
    return { id: `m${n}-${i}`, station_id: s.id, at: iso(now() - i * 8e3), direction: i % 2 ? 'in' : 'out', type: i % 2 ? 'call' : i % 34 ? 'result' : 'error', action, message_id: `${n}${i >> 1}a7`, payload: JSON.stringify(i % 2 ? payload : { currentTime: iso(now() - i * 8e3) }) }
  }),
)

export const commands = []
const listeners = []
export const onEvent = (fn) => listeners.push(fn)
const emit = (kind, s, data) => listeners.forEach((fn) => fn({ kind, org: 'org1', site: s.site, station: s.id, at: iso(now()), data }))
const live = (s) => emit('station.live', s, { online: s.online, status: s.status, evses: s.evses.map(({ id, status, status_since, session_id, power_w }) => ({ id, status, status_since, session_id, power_w })) })

export function addStation(body) {
  const s = { organisation: 'org1', active: true, operative: true, online: false, status: 'unreachable', evses: [], deviations: [], clock_skew_s: 0, created_at: iso(now()), ...body, password: undefined }
  stations.push(s)
  emit('station.created', s, {})
  return { ...s, url: `ws://localhost:8080/ocpp/${s.id}`, password: body.password ?? 'Xk2vT9qLw4nR8sYb3mC7' }
}

export function command(station, { action, payload, raw = false, reason }) {
  const c = { id: `c${commands.length + 1}`, station_id: station, action, payload, raw, reason, status: 'queued', created_at: iso(now()), actor: USER.id, actor_name: USER.name }
  commands.unshift(c)
  setTimeout(() => Object.assign(c, { status: 'sent', sent_at: iso(now()) }), 150)
  setTimeout(() => {
    const s = stations.find((x) => x.id === station)
    if (!s?.online) return Object.assign(c, { status: 'failed', error: `${station} is offline.`, finished_at: iso(now()) })
    Object.assign(c, { status: 'accepted', response: { status: 'Accepted' }, finished_at: iso(now()) })
    act(s, action, payload)
    summarise(s)
    live(s)
  }, 600)
  return c
}

function act(s, action, payload) {
  if (action === 'RequestStartTransaction') addSession(s, s.evses.find((e) => e.id === (payload.evseId ?? 1)), 0.1)
  if (action !== 'RequestStopTransaction') return
  const session = sessions.find((x) => x.transaction_id === payload.transactionId)
  const evse = session && s.evses.find((e) => e.session_id === session.id)
  if (!evse) return
  Object.assign(session, { status: 'completed', ended_at: iso(now()), stop_reason: 'Remote', power_w: 0 })
  Object.assign(evse, { status: 'finishing', session_id: undefined, power_w: undefined, status_since: iso(now()) })
  emit('session.ended', s, { session_id: session.id })
}

export function samples(id) {
  const s = sessions.find((x) => x.id === id)
  const from = Date.parse(s.started_at)
  const to = s.ended_at ? Date.parse(s.ended_at) : now()
  const n = Math.min(120, Math.floor((to - from) / 30_000))
  return Array.from({ length: n }, (_, i) => {
    const part = i / Math.max(n, 1)
    const power = s.max_power_w * Math.min(1, i / 3) * (part > 0.6 ? 1 - (part - 0.6) * 1.6 : 1) * (0.97 + 0.03 * Math.sin(i))
    return { at: iso(from + (i * (to - from)) / n), energy_wh: Math.round(s.energy_wh * part), power_w: Math.round(power), ...(s.soc ? { soc: Math.round(18 + part * 62) } : {}) }
  })
}

export function intervals(id) {
  const s = sessions.find((x) => x.id === id)
  const from = Date.parse(s.started_at)
  const to = s.ended_at ? Date.parse(s.ended_at) : now()
  const out = []
  for (let t = from; t < to; ) {
    const end = Math.min(to, (Math.floor(t / (15 * MINUTE)) + 1) * 15 * MINUTE)
    const wh = Math.round((s.energy_wh * (end - t)) / (to - from))
    out.push({ start: iso(t), end: iso(end), energy_wh: wh, average_power_w: Math.round(wh / ((end - t) / 3.6e6)), max_power_w: s.max_power_w, quality: out.length === 1 ? 'interpolated' : 'measured' })
    t = end
  }
  return out
}

setInterval(() => {
  for (const s of stations.filter((x) => x.online && random() < 0.4)) {
    for (const e of s.evses.filter((x) => x.power_w)) e.power_w = Math.round(e.power_w * (0.97 + random() * 0.06))
    s.last_seen_at = iso(now())
    live(s)
  }
}, 1000).unref()
