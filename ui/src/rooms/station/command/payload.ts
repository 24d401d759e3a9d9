// Payloads of the common commands, in the neutral (OCPP 2.x) terms the API
// takes for a station of any version.

type Json = Record<string, unknown>

/** OCPP wants an id of the request; the platform finds the session by it. 31 bits, as 1.6 stations read it. */
export const remoteStartId = () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 1) >>> 1 || 1

export function startPayload(evseId: number | undefined, idToken: string, type: string): Json {
  return clean({ evseId, remoteStartId: remoteStartId(), idToken: { idToken, type } })
}

export function availabilityPayload(status: string, evse?: number, connector?: number): Json {
  return clean({ operationalStatus: status, evse: evsePart(evse, connector) })
}

export function triggerPayload(message: string, evse?: number, connector?: number): Json {
  return clean({ requestedMessage: message, evse: evsePart(evse, connector) })
}

export interface VariableRef {
  component: string
  componentInstance?: string
  evse?: number
  connector?: number
  variable: string
  variableInstance?: string
}

export function getVariablesPayload(v: VariableRef, attributeType?: string): Json {
  return { getVariableData: [clean({ ...variablePart(v), attributeType })] }
}

export function setVariablesPayload(v: VariableRef, value: string, attributeType?: string): Json {
  return { setVariableData: [clean({ ...variablePart(v), attributeType, attributeValue: value })] }
}

export interface ProfileInput {
  evseId: number
  profileId: number
  stackLevel: number
  purpose: string
  unit: string
  limit: number
  durationMinutes?: number
  transactionId?: string
  now: Date
}

/** A profile of one constant limit from now on: what an operator sets by hand. */
export function profilePayload(p: ProfileInput): Json {
  const schedule = clean({
    id: 1,
    startSchedule: p.now.toISOString(),
    duration: p.durationMinutes ? p.durationMinutes * 60 : undefined,
    chargingRateUnit: p.unit,
    chargingSchedulePeriod: [{ startPeriod: 0, limit: p.limit }],
  })
  return {
    evseId: p.evseId,
    chargingProfile: clean({
      id: p.profileId,
      stackLevel: p.stackLevel,
      chargingProfilePurpose: p.purpose,
      chargingProfileKind: 'Absolute',
      transactionId: p.transactionId || undefined,
      chargingSchedule: [schedule],
    }),
  }
}

export function clearProfilePayload(profileId?: number, evseId?: number, purpose?: string, stackLevel?: number): Json {
  if (profileId !== undefined) return { chargingProfileId: profileId }
  const criteria = clean({ evseId, chargingProfilePurpose: purpose, stackLevel })
  return Object.keys(criteria).length > 0 ? { chargingProfileCriteria: criteria } : {}
}

const evsePart = (id?: number, connectorId?: number) => (id === undefined ? undefined : clean({ id, connectorId }))

function variablePart(v: VariableRef): Json {
  return {
    component: clean({ name: v.component, instance: v.componentInstance || undefined, evse: evsePart(v.evse, v.connector) }),
    variable: clean({ name: v.variable, instance: v.variableInstance || undefined }),
  }
}

function clean(o: Json): Json {
  return Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined && v !== ''))
}
