import type { Cdr, CostLine } from '../../api'

/** One line of a price, as it is shown. */
export type Line = Pick<CostLine, 'dimension' | 'quantity' | 'billed_quantity' | 'unit_price' | 'vat' | 'excl_vat' | 'incl_vat'> & {
  kind: string
  unit?: string
  explanation?: string[] | null
}

/** The parts of an OCPI 2.2.1 CDR's price, in the order a bill lists them (OCPI 2.2.1 §10.3.1). */
const PARTS: [field: string, kind: string, quantity?: string, unit?: string][] = [
  ['total_fixed_cost', 'fixed'],
  ['total_energy_cost', 'energy', 'total_energy', 'kWh'],
  ['total_time_cost', 'time', 'total_time', 'h'],
  ['total_parking_cost', 'parking', 'total_parking_time', 'h'],
  ['total_reservation_cost', 'reservation'],
]

/** A record's lines: those that explain it, else the totals of its OCPI form (a record from elsewhere has no more). */
export function costLines(cdr: Cdr): Line[] {
  const own = cdr.explanation?.lines
  if (own?.length) return own
  const ocpi = record(cdr.ocpi)
  return PARTS.flatMap(([field, kind, quantity, unit]) => {
    const price = record(ocpi[field])
    if (isZero(price.excl_vat) && isZero(price.incl_vat)) return []
    const amount = quantity ? text(ocpi[quantity]) : undefined
    const excl = text(price.excl_vat) ?? '0'
    return [{ kind, quantity: amount, unit: amount === undefined ? undefined : unit, excl_vat: excl, incl_vat: text(price.incl_vat) ?? excl }]
  })
}

const record = (v: unknown): Record<string, unknown> => (typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : {})
const text = (v: unknown): string | undefined => (typeof v === 'number' || typeof v === 'string' ? String(v) : undefined)
const isZero = (v: unknown) => v === undefined || Number(v) === 0
