import type { components } from './schema'

// The shapes of /api/v1 under the names this app uses. They come from the
// server's own document (`npm run api`), so that a field it renames is an
// error of the compiler here. Where the document says "string" and the app
// must know every value, the values are listed.
//
// Instants are RFC 3339 in UTC, energy is whole watt-hours, power is watts.

type Schemas = components['schemas']

export interface Page<T> {
  items: T[]
  next_cursor?: string
}

export type Organisation = Schemas['Organisation']
export type User = Schemas['User']
export type Role = Schemas['Role']
export type ApiKey = Schemas['Key']
export type NewApiKey = ApiKey & { key: string }
/** Who is signed in to the console: always a person, never a key. */
export type Me = Schemas['Me'] & Required<Pick<Schemas['Me'], 'user' | 'csrf_token'>>
export type ConsoleConfig = Schemas['ConsoleConfig']

export type Site = Schemas['Site']

export type EvseStatus =
  | 'not_activated'
  | 'available'
  | 'preparing'
  | 'charging'
  | 'suspended_ev'
  | 'suspended_evse'
  | 'finishing'
  | 'reserved'
  | 'held'
  | 'unavailable'
  | 'faulted'
  | 'unreachable'

export type Connector = Schemas['Connector']
export type Evse = Omit<Schemas['Evse'], 'status'> & { status: EvseStatus }
export type Deviation = Schemas['Deviation']
/** password: once, in the answer to its creation. */
export type Station = Omit<Schemas['Station'], 'status' | 'evses'> & { status: EvseStatus; evses: Evse[]; password?: string }
export type StationChange = Omit<Schemas['StationChange'], 'status'> & { status: EvseStatus }
export type Credentials = Schemas['CredentialsOutput']
export type KnockingStation = Schemas['Knock']
export type Message = Schemas['Message']
/** Times at which the message log was thinned out. */
export type MessageGaps = Schemas['GapsOutput']
export type Command = Schemas['Command']
export type CommandStatus = Command['status']

export type IdToken = Schemas['Token']
export type Tariff = Schemas['Tariff']
export type Assignment = Schemas['Assignment']

export type Session = Schemas['Session']
export type SessionStatus = Session['status']
export type Interval = Schemas['Interval']
export type Sample = Schemas['Sample']
export type CostLine = Schemas['Line']

/** One event of /events. */
export interface LiveEvent {
  kind: string
  org?: string
  site?: string
  station?: string
  at?: string
  data?: unknown
}

/** explanation: how the amount came about; only when one record is read. */
export type Cdr = Schemas['Cdr'] & { explanation?: { lines?: CostLine[] } }

export type Variable = Schemas['Variable']
export type SecurityEvent = Schemas['Security']

export type SecurityState = Schemas['SecurityStateOutput']
/** A move to a security profile, or a change of password, that goes on in the background. */
export type Upgrade = Schemas['Upgrade']
export type UpgradeStep = Upgrade['step']

export type Authority = Schemas['Authority']
export type Certificate = Schemas['Certificate']
export type CertificateStatus = Certificate['status']
export type CertificateRequest = Schemas['PkiRequest']
export type TrustRoot = Schemas['Root']
export type StationCertificates = Schemas['PkiStation']
export type InstalledCertificate = Schemas['Installed']

export type Quirks = Schemas['QuirksOutput']
export type Quirk = Schemas['Quirk']
export type QuirkSwitch = Schemas['Switch']
export type ConnectorMap = Schemas['Map']
export type ConnectorPlace = Schemas['Place']
export type ModelMap = Schemas['ModelMap']

export type Storage = Schemas['StorageOutput']
export type StorageItem = Schemas['StorageItem']
export type ParkedFact = Schemas['ParkedFact']
export type FailedJob = Schemas['FailedJob']
