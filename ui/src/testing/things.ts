import type { Cdr, Evse, Interval, Session, Site, Station, Variable } from '../api'

// Things as the API gives them, for tests to change what they are about.

const AT = '2026-01-01T00:00:00Z'

export const evse = (more: Partial<Evse> = {}): Evse => ({
  id: 1,
  status: 'available',
  status_since: AT,
  ocpi_status: 'AVAILABLE',
  uk_pcpr: 'up',
  nevi: 'up',
  irve_state: 'en_service',
  irve_use: 'libre',
  in_use: false,
  suspect: false,
  operative: true,
  connectors: [],
  ...more,
})

export const station = (id: string, more: Partial<Station> = {}): Station => ({
  id,
  organisation: 'o',
  active: true,
  security_profile: 1,
  connected_profile: 1,
  has_password: true,
  online: true,
  status: 'available',
  status_since: AT,
  last_seen_at: AT,
  in_use: false,
  suspect: false,
  operative: true,
  quarantined: false,
  clock_skew_s: 0,
  heartbeat_s: 300,
  url: `ws://host/ocpp/${id}`,
  created_at: AT,
  evses: [evse()],
  deviations: [],
  ...more,
})

export const site = (id: string, more: Partial<Site> = {}): Site => ({
  id,
  organisation: 'o',
  name: id,
  address: {},
  time_zone: 'UTC',
  currency: 'EUR',
  created_at: AT,
  ...more,
})

export const session = (more: Partial<Session> = {}): Session => ({
  id: 's',
  station_id: 'A',
  evse_id: 1,
  organisation: 'o',
  transaction_id: '1',
  status: 'active',
  started_at: AT,
  energy_wh: 0,
  meter_start_wh: 0,
  meter_stop_wh: 0,
  power_w: 0,
  max_power_w: 0,
  flags: [],
  protocol: '1.6',
  ...more,
})

export const interval = (start: string, end: string, energy_wh: number, quality: Interval['quality'] = 'measured'): Interval => ({
  start,
  end,
  energy_wh,
  average_power_w: 0,
  max_power_w: 0,
  quality,
})

export const variable = (component: string, name: string, more: Partial<Variable> = {}): Variable => ({
  component,
  variable: name,
  attribute: 'Actual',
  value: '',
  updated_at: AT,
  ...more,
})

export const cdr = (more: Partial<Cdr> = {}): Cdr => ({
  id: 'c',
  number: 1,
  kind: 'cdr',
  organisation: 'o',
  session_id: 's',
  station_id: 'A',
  issued_at: AT,
  started_at: AT,
  ended_at: AT,
  energy_wh: 1,
  cost: { currency: 'EUR', excl_vat: '1.00', incl_vat: '1.20' },
  ocpi: undefined,
  ...more,
})
