import type { components } from './schema'
import type { Variable } from './types'

// What the console asks of devices, in the names of the server's document.

type Schemas = components['schemas']

export type ActionList = Schemas['ActionsOutput']
export type ActionShape = Schemas['ActionOutput']

export type PastValue = Schemas['Past']
export type DeviceState = Schemas['DeviceDevice']
export type DesiredVariable = DeviceState['desired'][number]
/** The same over all stations. */
export type Wish = Schemas['Wish']
export type MissingVariables = Schemas['MissingOutput']
export type WrittenVariables = Schemas['PatchOutput']
export type VariableItem = NonNullable<Schemas['PatchInput']['variables']>[number]
export type DeviceTemplate = Schemas['Template']
export type AppliedTemplates = Schemas['AppliedOutput']
export type TemplatePreview = Schemas['PreviewOutput']
export type TemplateProgress = Schemas['ProgressOutput']
export type Monitor = Schemas['Monitor']
export type MonitorItem = Schemas['MonitorItem']
export type MonitorsSet = Schemas['MonitorsOutput']
export type DeviceEvent = Schemas['Event']
/** What a station answers in parts, and how much of it has come. */
export type DeviceRequest = Schemas['Request']

export type FirmwareImage = Schemas['Image']
export type FirmwareImageInput = Schemas['ImageInput']
export type FirmwareUpdate = Schemas['Update']
export type FirmwareUpdateInput = Schemas['UpdateInput']
export type FirmwarePolicy = Schemas['Policy']
export type FirmwareTask = Schemas['Task']
export type DeviceLog = Schemas['Log']
export type DeviceLogInput = Schemas['LogInput']
export type Bundle = Schemas['Bundle']
export type BundleLink = Schemas['LinkOutput']
export type Step = Schemas['DeviceStep']
export type Boot = Schemas['Boot']
export type Notice = Schemas['Notice']

export type MessageDraft = Schemas['MessageDraft']
export type DisplayMessage = Schemas['DeviceMessage'] & MessageDraft
/** One message at one station. */
export type ShownMessage = Schemas['Shown']

export type InstalledProfile = Schemas['Profile']
export type ChargingLimit = Schemas['ChargingLimit']
export type CustomerInput = Schemas['CustomerInput']
export type Revealed = Schemas['RevealOutput']

export type LocalList = Schemas['List']
export type Reservation = Schemas['Body']
export type ReservationInput = Schemas['DraftInput']

export const variablesPath = (station: string) => `/charging-stations/${encodeURIComponent(station)}/variables`

/** How the API names a variable's place: component[/instance][@evse[.connector]]:variable[/instance][#attribute], in lower case. */
export function variablePath(v: Pick<Variable, 'component' | 'component_instance' | 'evse' | 'connector' | 'variable' | 'variable_instance' | 'attribute'>): string {
  const part = (sign: string, text: string | number | undefined) => (text ? `${sign}${text}` : '')
  const attribute = v.attribute === 'Actual' ? '' : v.attribute
  return `${v.component}${part('/', v.component_instance)}${part('@', v.evse)}${part('.', v.connector)}:${v.variable}${part('/', v.variable_instance)}${part('#', attribute)}`.toLowerCase()
}
