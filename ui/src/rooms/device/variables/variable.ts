import type { Variable, VariableItem } from '../../../api'

/** "OCPPCommCtrlr.HeartbeatInterval", with instances and EVSE where there are any. */
export function nameOf(v: Pick<Variable, 'component' | 'component_instance' | 'evse' | 'connector' | 'variable' | 'variable_instance'>): string {
  const place = v.evse === undefined || v.evse === 0 ? '' : v.connector ? `@${v.evse}.${v.connector}` : `@${v.evse}`
  return `${v.component}${instance(v.component_instance)}${place}.${v.variable}${instance(v.variable_instance)}`
}

const instance = (text: string | undefined) => (text ? `[${text}]` : '')

export const variableKey = (v: Variable) => `${nameOf(v)}/${v.attribute ?? ''}`

export function matches(v: Variable, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const hay = `${nameOf(v)} ${v.key ?? ''} ${v.value ?? ''} ${v.meaning ?? ''}`.toLowerCase()
  return words.every((w) => hay.includes(w))
}

export const isWritable = (v: Variable) => v.mutability !== 'ReadOnly'

/** A variable with a new value, as the API takes it. */
export function itemOf(v: Variable, value: string): VariableItem {
  const { component, component_instance, evse, connector, variable, variable_instance, attribute } = v
  const all = { component, component_instance, evse, connector, variable, variable_instance, attribute: attribute === 'Actual' ? undefined : attribute, value }
  return Object.fromEntries(Object.entries(all).filter(([k, x]) => k === 'value' || (x !== undefined && x !== '' && x !== 0))) as VariableItem
}

export type Input = 'boolean' | 'one' | 'several' | 'number' | 'text'

/** The values a variable may have, where it says so. */
export const allowedOf = (v: Variable): string[] => (v.values_list ?? '').split(',').map((x) => x.trim()).filter(Boolean)

/** How a value is best entered. */
export function inputOf(v: Variable): Input {
  const type = (v.data_type ?? '').toLowerCase()
  const list = allowedOf(v).length > 0
  if (type === 'boolean') return 'boolean'
  if (list && (type === 'memberlist' || type === 'sequencelist')) return 'several'
  if (list) return 'one'
  return type === 'integer' || type === 'decimal' ? 'number' : 'text'
}

export type ValueFault = 'integer' | 'decimal' | 'least' | 'most' | 'long' | 'instant' | 'list'

/** Why the station would refuse a value, by what it said of the variable. OCPP 2.0.1 part 2 §2.51: min and max bound numbers, max the length of texts. */
export function checkValue(v: Variable, value: string): { code: ValueFault; limit?: string } | undefined {
  const type = (v.data_type ?? '').toLowerCase()
  if (type === 'integer' && !/^[+-]?\d+$/.test(value)) return { code: 'integer' }
  if (type === 'decimal' && !/^[+-]?\d+(\.\d+)?$/.test(value)) return { code: 'decimal' }
  if (type === 'datetime' && Number.isNaN(Date.parse(value))) return { code: 'instant' }
  if (type === 'integer' || type === 'decimal') {
    if (v.min && Number(value) < Number(v.min)) return { code: 'least', limit: v.min }
    if (v.max && Number(value) > Number(v.max)) return { code: 'most', limit: v.max }
    return undefined
  }
  const allowed = allowedOf(v)
  const given = inputOf(v) === 'several' ? value.split(',').filter(Boolean) : [value]
  if (allowed.length > 0 && given.some((x) => !allowed.includes(x))) return { code: 'list', limit: allowed.join(', ') }
  return v.max && type !== 'boolean' && value.length > Number(v.max) ? { code: 'long', limit: v.max } : undefined
}

/** "0 … 86400" or "A, B": what may be written, for a table. */
export function allowedText(v: Variable): string {
  const list = allowedOf(v)
  if (list.length > 0) return list.join(', ')
  if (v.min && v.max) return `${v.min} … ${v.max}`
  return v.min ? `≥ ${v.min}` : v.max ? `≤ ${v.max}` : ''
}
