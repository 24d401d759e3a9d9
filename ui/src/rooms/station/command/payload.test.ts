import { describe, expect, it } from 'vitest'
import type { Station } from '../../../api'
import { FORMS } from './forms'
import { clearProfilePayload, getVariablesPayload, profilePayload, remoteStartId, setVariablesPayload, startPayload } from './payload'

const station = { id: 'A', evses: [] } as unknown as Station

/** The payload of an action's form as it opens, with the given entries. */
function filled(action: string, values: Record<string, string> = {}): unknown {
  const form = FORMS.find((f) => f.action === action)
  if (!form) throw new Error(`no form for ${action}`)
  const initial = Object.fromEntries(form.fields.map((f) => [f.name, f.initial ?? '']))
  return form.payload({ ...initial, ...values }, station)
}

describe('payloads', () => {
  it('numbers remote starts within what 1.6 stations read', () => {
    for (let i = 0; i < 200; i++) {
      const id = remoteStartId()
      expect(Number.isInteger(id) && id >= 1 && id <= 0x7fffffff).toBe(true)
    }
  })
  it('starts on an EVSE or wherever', () => {
    expect(startPayload(2, 'CARD', 'ISO14443')).toMatchObject({ evseId: 2, idToken: { idToken: 'CARD', type: 'ISO14443' } })
    expect(startPayload(undefined, 'CARD', 'Central')).not.toHaveProperty('evseId')
  })
  it('leaves out what was not filled in', () => {
    expect(getVariablesPayload({ component: 'C', variable: 'V' })).toEqual({ getVariableData: [{ component: { name: 'C' }, variable: { name: 'V' } }] })
    expect(setVariablesPayload({ component: 'C', evse: 1, connector: 2, variable: 'V', variableInstance: 'I' }, '7', 'Target')).toEqual({
      setVariableData: [
        { component: { name: 'C', evse: { id: 1, connectorId: 2 } }, variable: { name: 'V', instance: 'I' }, attributeType: 'Target', attributeValue: '7' },
      ],
    })
    expect(clearProfilePayload()).toEqual({})
    expect(clearProfilePayload(4, 1)).toEqual({ chargingProfileId: 4 })
    expect(clearProfilePayload(undefined, 1, 'TxProfile', 0)).toEqual({
      chargingProfileCriteria: { evseId: 1, chargingProfilePurpose: 'TxProfile', stackLevel: 0 },
    })
  })
  it('limits from now on, in seconds', () => {
    const now = new Date('2026-01-01T00:00:00Z')
    const p = profilePayload({ evseId: 0, profileId: 3, stackLevel: 1, purpose: 'TxDefaultProfile', unit: 'A', limit: 16, durationMinutes: 30, now })
    expect(p).toEqual({
      evseId: 0,
      chargingProfile: {
        id: 3,
        stackLevel: 1,
        chargingProfilePurpose: 'TxDefaultProfile',
        chargingProfileKind: 'Absolute',
        chargingSchedule: [
          { id: 1, startSchedule: '2026-01-01T00:00:00.000Z', duration: 1800, chargingRateUnit: 'A', chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
        ],
      },
    })
  })
})

describe('forms', () => {
  it('build what the command needs', () => {
    expect(filled('RequestStopTransaction', { transaction: '42' })).toEqual({ transactionId: '42' })
    expect(filled('Reset')).toEqual({ type: 'OnIdle' })
    expect(filled('Reset', { evse: '2' })).toEqual({ type: 'OnIdle', evseId: 2 })
    expect(filled('UnlockConnector')).toEqual({ evseId: 1, connectorId: 1 })
    expect(filled('ChangeAvailability')).toEqual({ operationalStatus: 'Inoperative' })
    expect(filled('ChangeAvailability', { evse: '1', connector: '2' })).toEqual({ operationalStatus: 'Inoperative', evse: { id: 1, connectorId: 2 } })
    expect(filled('TriggerMessage')).toEqual({ requestedMessage: 'StatusNotification' })
    expect(filled('GetCompositeSchedule')).toEqual({ evseId: 0, duration: 3600 })
    expect(filled('GetVariables', { component: 'C', variable: 'V' })).toEqual({
      getVariableData: [{ component: { name: 'C' }, variable: { name: 'V' }, attributeType: 'Actual' }],
    })
  })
})
