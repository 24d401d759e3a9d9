import type { StorageItem } from '../../api'

export type Kept = { kind: 'days'; days: number } | { kind: 'ever' } | { kind: 'needed' }

/** How long something stays: a setting says so, or it lasts as long as what it belongs to. */
export function kept(i: Pick<StorageItem, 'keep_days' | 'setting'>): Kept {
  if (i.keep_days !== undefined) return { kind: 'days', days: i.keep_days }
  return i.setting ? { kind: 'ever' } : { kind: 'needed' }
}

type Sortable = 'name' | 'rows' | 'bytes' | 'bytes_per_day' | 'keep_days'

/** By a field, largest first with a leading "-"; what has no value comes last either way. */
export function sorted(items: StorageItem[], sort: string | undefined): StorageItem[] {
  if (!sort) return items
  const down = sort.startsWith('-')
  const field = sort.replace(/^-/, '') as Sortable
  return [...items].sort((a, b) => {
    const [x, y] = [a[field], b[field]]
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined)
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y))
    return down ? -order : order
  })
}

/** The name under which small tables without one of their own are counted together. */
const OTHERS = 'other tables'
const WORTH_A_ROW = 0.01

/** What has a name, and large tables; the many small ones become one row. */
export function fold(items: StorageItem[]): StorageItem[] {
  const total = items.reduce((sum, i) => sum + i.bytes, 0)
  const small = (i: StorageItem) => i.tables.length === 1 && i.tables[0] === i.name && i.setting === undefined && i.bytes < total * WORTH_A_ROW
  const rest = items.filter(small)
  if (rest.length < 2) return items
  const sum = (field: 'rows' | 'bytes') => rest.reduce((n, i) => n + i[field], 0)
  return [...items.filter((i) => !small(i)), { name: OTHERS, tables: rest.flatMap((i) => i.tables), rows: sum('rows'), bytes: sum('bytes') }]
}
