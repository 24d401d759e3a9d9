import type { Tariff, TariffElement } from '../../../api'

/** What the API adds to a tariff and does not take back. */
const ADDED = new Set(['$schema', 'summary', 'organisation', 'version', 'newest_version', 'status', 'last_updated', 'valid_from'])

/** A first tariff to change: one price for energy. */
export const blankTariff = (currency: string): Tariff => ({ id: '', currency, elements: [blankElement()] })

export const blankElement = (): TariffElement => ({ price_components: [{ type: 'ENERGY', price: 0.45, vat: 20, step_size: 1 }] })

/** What is written of a stored tariff. */
export function writable(t: Tariff): Tariff {
  return Object.fromEntries(Object.entries(t).filter(([k]) => !ADDED.has(k))) as Tariff
}

/** The draft as it is sent: fields that were opened and left empty are not there. */
export function cleaned(t: Tariff): Tariff {
  return (pruned(writable(t)) ?? {}) as Tariff
}

function pruned(v: unknown): unknown {
  if (v === undefined || v === null || v === '') return undefined
  if (Array.isArray(v)) {
    const kept = v.map(pruned).filter((x) => x !== undefined)
    return kept.length ? kept : undefined
  }
  if (typeof v !== 'object') return v
  const kept = Object.entries(v).map(([k, x]) => [k, pruned(x)] as const).filter(([, x]) => x !== undefined)
  return kept.length ? Object.fromEntries(kept) : undefined
}

/** A tariff from pasted text: an OCPI object, alone or as a partner's answer ({"data": …}) carries it. */
export function readTariff(text: string): Tariff | undefined {
  try {
    const value = JSON.parse(text) as unknown
    const inner = object(object(value)?.data) ?? object(Array.isArray(value) ? value[0] : value)
    return inner && Array.isArray(inner.elements) ? writable(inner as unknown as Tariff) : undefined
  } catch {
    return undefined
  }
}

const object = (v: unknown) => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : undefined)

/** The list with one place moved by one. */
export function moved<T>(list: T[], at: number, by: -1 | 1): T[] {
  const to = at + by
  const [a, b] = [list[at], list[to]]
  if (a === undefined || b === undefined) return list
  return list.map((x, i) => (i === at ? b : i === to ? a : x))
}
