import type { Variable } from '../../api'

/** "OCPPCommCtrlr.HeartbeatInterval", with instances and EVSE where there are any. */
export function nameOf(v: Variable): string {
  const place = v.evse === undefined || v.evse === 0 ? '' : v.connector ? `@${v.evse}.${v.connector}` : `@${v.evse}`
  return `${v.component}${instance(v.component_instance)}${place}.${v.variable}${instance(v.variable_instance)}`
}

const instance = (text: string | undefined) => (text ? `[${text}]` : '')

export const variableKey = (v: Variable) => `${nameOf(v)}/${v.attribute ?? ''}`

export function matches(v: Variable, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const hay = `${nameOf(v)} ${v.value ?? ''}`.toLowerCase()
  return words.every((w) => hay.includes(w))
}

/** The SetVariables payload that writes a value, in OCPP 2.x terms whatever the station speaks. */
export function setPayload(v: Variable, value: string) {
  const evse = v.evse ? { id: v.evse, ...(v.connector ? { connectorId: v.connector } : {}) } : undefined
  return {
    setVariableData: [
      {
        component: { name: v.component, ...(v.component_instance ? { instance: v.component_instance } : {}), ...(evse ? { evse } : {}) },
        variable: { name: v.variable, ...(v.variable_instance ? { instance: v.variable_instance } : {}) },
        ...(v.attribute && v.attribute !== 'Actual' ? { attributeType: v.attribute } : {}),
        attributeValue: value,
      },
    ],
  }
}

/** What the station said about the one variable that was set: Accepted, Rejected, RebootRequired … */
export function setResult(response: unknown): string | undefined {
  const results = (response as { setVariableResult?: { attributeStatus?: string }[] } | undefined)?.setVariableResult
  return results?.[0]?.attributeStatus
}
