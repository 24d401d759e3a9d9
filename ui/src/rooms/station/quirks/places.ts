import type { ConnectorPlace } from '../../../api'

/** The EVSE of each 1.6 connector: the first entry is of connector 1. */
export type Layout = number[]

/** A map as the editor holds it. Without places connector n is EVSE n, for as many as are known. */
export function layoutOf(places: ConnectorPlace[], ports: number): Layout {
  if (places.length === 0) return Array.from({ length: Math.max(1, ports) }, (_, i) => i + 1)
  return [...places].sort((a, b) => a.connector_number - b.connector_number).map((p) => p.evse_id)
}

/** The map as the API takes it: connectors of one EVSE are counted in their order. */
export function placesOf(layout: Layout): ConnectorPlace[] {
  const seen = new Map<number, number>()
  return layout.map((evse_id, i) => {
    const connector_id = (seen.get(evse_id) ?? 0) + 1
    seen.set(evse_id, connector_id)
    return { connector_number: i + 1, evse_id, connector_id }
  })
}

/** EVSEs are numbered from 1 without a hole: the first one that is missing, if any. */
export function missingEvse(layout: Layout): number | undefined {
  const used = new Set(layout)
  for (let n = 1; n <= Math.max(0, ...layout); n++) if (!used.has(n)) return n
  return undefined
}

/** "1: 1 + 2, 2: 3": which connectors each EVSE has. */
export function describe(places: ConnectorPlace[]): string {
  const byEvse = new Map<number, number[]>()
  for (const p of placesOf(layoutOf(places, 1))) byEvse.set(p.evse_id, [...(byEvse.get(p.evse_id) ?? []), p.connector_number])
  return [...byEvse].sort(([a], [b]) => a - b).map(([evse, list]) => `${evse}: ${list.join(' + ')}`).join(', ')
}
