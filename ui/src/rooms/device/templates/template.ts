import type { DeviceTemplate, MonitorItem, VariableItem } from '../../../api'

export const blankTemplate = (): DeviceTemplate => ({ name: '', enabled: true, variables: [], monitors: [] })

/** A template as the API takes it back: without what only the server sets, and without rows nobody filled in. */
export function writable(x: DeviceTemplate) {
  const { id: _id, created_at: _ca, created_by: _cb, changed_at: _ha, changed_by: _hb, ...own } = x
  const body = {
    ...own,
    name: own.name.trim(),
    variables: (own.variables ?? []).filter((v) => v.key || (v.component && v.variable)).map((v) => pruned(v)),
    monitors: (own.monitors ?? []).filter((m) => m.component && m.variable).map((m) => pruned(m)),
  }
  return Object.fromEntries(Object.entries(body).filter(([, v]) => v !== '' && v !== undefined && v !== null))
}

/** Without the fields that say nothing; a value or severity of 0 or "" says something. */
function pruned<T extends VariableItem | MonitorItem>(row: T): T {
  const kept = new Set(['value', 'severity'])
  return Object.fromEntries(Object.entries(row).filter(([k, v]) => kept.has(k) || (v !== '' && v !== undefined && v !== null && v !== 0 && v !== false))) as T
}

/** A copy of rows with one changed, added at the end, or (undefined) taken away. */
export function changed<T>(rows: T[], at: number, row: T | undefined): T[] {
  if (row === undefined) return rows.filter((_, i) => i !== at)
  return at >= rows.length ? [...rows, row] : rows.map((r, i) => (i === at ? row : r))
}
