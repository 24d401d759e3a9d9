import type { Station } from '../../../api'
import {
  availabilityPayload,
  clearProfilePayload,
  getVariablesPayload,
  profilePayload,
  setVariablesPayload,
  startPayload,
  triggerPayload,
} from './payload'

export type FieldKind = 'text' | 'number' | 'choice' | 'evse' | 'token' | 'json'

export interface Field {
  /** Also the key of its label: station.command.field.<name>. */
  name: string
  kind: FieldKind
  required?: boolean
  options?: string[]
  initial?: string
}

export type Values = Record<string, string>

export interface CommandForm {
  action: string
  fields: Field[]
  payload: (v: Values, station: Station) => unknown
}

const num = (text: string | undefined) => (text ? Number(text) : undefined)

const evse = (required = false): Field => ({ name: 'evse', kind: 'evse', required, initial: required ? '1' : '' })
const connector: Field = { name: 'connector', kind: 'number' }
const component: Field[] = [
  { name: 'component', kind: 'text', required: true },
  { name: 'variable', kind: 'text', required: true },
  { name: 'instance', kind: 'text' },
]
const attribute: Field = { name: 'attribute', kind: 'choice', options: ['Actual', 'Target', 'MinSet', 'MaxSet'], initial: 'Actual' }

const TRIGGERS = [
  'BootNotification',
  'Heartbeat',
  'StatusNotification',
  'MeterValues',
  'TransactionEvent',
  'FirmwareStatusNotification',
  'LogStatusNotification',
  'SignChargingStationCertificate',
]
const PURPOSES = ['TxProfile', 'TxDefaultProfile', 'ChargingStationMaxProfile']

/** The commands with a form, in the order an operator needs them; everything else has a form drawn from its schema. */
export const FORMS: CommandForm[] = [
  {
    action: 'RequestStartTransaction',
    fields: [
      evse(true),
      { name: 'idToken', kind: 'token', required: true },
      { name: 'tokenType', kind: 'choice', required: true, initial: 'Central', options: ['Central', 'ISO14443', 'ISO15693', 'eMAID', 'KeyCode', 'Local', 'MacAddress'] },
    ],
    payload: (v) => startPayload(num(v.evse), v.idToken ?? '', v.tokenType ?? 'Central'),
  },
  {
    action: 'RequestStopTransaction',
    fields: [{ name: 'transaction', kind: 'text', required: true }],
    payload: (v) => ({ transactionId: v.transaction }),
  },
  {
    action: 'Reset',
    fields: [{ name: 'resetType', kind: 'choice', required: true, initial: 'OnIdle', options: ['OnIdle', 'Immediate'] }, evse()],
    payload: (v) => ({ type: v.resetType, ...(v.evse ? { evseId: Number(v.evse) } : {}) }),
  },
  {
    action: 'UnlockConnector',
    fields: [evse(true), { ...connector, required: true, initial: '1' }],
    payload: (v) => ({ evseId: num(v.evse), connectorId: num(v.connector) }),
  },
  {
    action: 'ChangeAvailability',
    fields: [{ name: 'availability', kind: 'choice', required: true, initial: 'Inoperative', options: ['Inoperative', 'Operative'] }, evse(), connector],
    payload: (v) => availabilityPayload(v.availability ?? '', num(v.evse), num(v.connector)),
  },
  {
    action: 'TriggerMessage',
    fields: [{ name: 'message', kind: 'choice', required: true, initial: 'StatusNotification', options: TRIGGERS }, evse(), connector],
    payload: (v) => triggerPayload(v.message ?? '', num(v.evse), num(v.connector)),
  },
  {
    action: 'GetVariables',
    fields: [...component, evse(), attribute],
    payload: (v) => getVariablesPayload(variableOf(v), v.attribute),
  },
  {
    action: 'SetVariables',
    fields: [...component, evse(), attribute, { name: 'value', kind: 'text', required: true }],
    payload: (v) => setVariablesPayload(variableOf(v), v.value ?? '', v.attribute),
  },
  {
    action: 'SetChargingProfile',
    fields: [
      { name: 'evse', kind: 'evse', required: true, initial: '0' },
      { name: 'purpose', kind: 'choice', required: true, initial: 'TxDefaultProfile', options: PURPOSES },
      { name: 'limit', kind: 'number', required: true },
      { name: 'unit', kind: 'choice', required: true, initial: 'W', options: ['W', 'A'] },
      { name: 'duration', kind: 'number' },
      { name: 'stackLevel', kind: 'number', required: true, initial: '0' },
      { name: 'profile', kind: 'number', required: true, initial: '1' },
      { name: 'transaction', kind: 'text' },
    ],
    payload: (v) =>
      profilePayload({
        evseId: num(v.evse) ?? 0,
        profileId: num(v.profile) ?? 1,
        stackLevel: num(v.stackLevel) ?? 0,
        purpose: v.purpose ?? '',
        unit: v.unit ?? 'W',
        limit: num(v.limit) ?? 0,
        durationMinutes: num(v.duration),
        transactionId: v.transaction,
        now: new Date(),
      }),
  },
  {
    action: 'ClearChargingProfile',
    fields: [{ name: 'profile', kind: 'number' }, evse(), { name: 'purpose', kind: 'choice', options: PURPOSES }, { name: 'stackLevel', kind: 'number' }],
    payload: (v) => clearProfilePayload(num(v.profile), num(v.evse), v.purpose, num(v.stackLevel)),
  },
  {
    action: 'GetCompositeSchedule',
    fields: [
      { name: 'evse', kind: 'evse', required: true, initial: '0' },
      { name: 'duration', kind: 'number', required: true, initial: '60' },
      { name: 'unit', kind: 'choice', options: ['W', 'A'] },
    ],
    payload: (v) => ({
      evseId: num(v.evse) ?? 0,
      duration: (num(v.duration) ?? 0) * 60,
      ...(v.unit ? { chargingRateUnit: v.unit } : {}),
    }),
  },
]

const variableOf = (v: Values) => ({
  component: v.component ?? '',
  evse: num(v.evse),
  variable: v.variable ?? '',
  variableInstance: v.instance,
})
