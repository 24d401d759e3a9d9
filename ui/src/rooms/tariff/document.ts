import type { Tariff } from '../../api'

/** What the API adds to a tariff and does not take back. */
const ADDED = ['$schema', 'summary', 'organisation', 'version', 'newest_version', 'status', 'last_updated']

/** A tariff's OCPI document as text for the editor. */
export function documentOf(tariff: Tariff | undefined): string | undefined {
  if (!tariff) return undefined
  const own = Object.entries(tariff).filter(([k]) => !ADDED.includes(k))
  return JSON.stringify(Object.fromEntries(own), null, 2)
}

/** A first tariff to change: one price for energy. */
export function template(currency: string, country = 'DE'): string {
  return JSON.stringify(
    {
      id: 'standard',
      country_code: country.slice(0, 2) || 'DE',
      party_id: 'FOR',
      currency,
      type: 'REGULAR',
      elements: [{ price_components: [{ type: 'ENERGY', price: 0.45, vat: 20, step_size: 1 }] }],
    },
    null,
    2,
  )
}

export function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
