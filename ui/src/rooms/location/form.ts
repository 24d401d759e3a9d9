import type { Site } from '../../api'

/** A site as its form holds it: flat, and every field text. */
export interface SiteForm {
  name: string
  street: string
  postal_code: string
  city: string
  country: string
  latitude: string
  longitude: string
  time_zone: string
  currency: string
}

export const emptyForm: SiteForm = {
  name: '',
  street: '',
  postal_code: '',
  city: '',
  country: '',
  latitude: '',
  longitude: '',
  time_zone: '',
  currency: '',
}

export function formOf(s: Site): SiteForm {
  return {
    name: s.name,
    street: s.address?.street ?? '',
    postal_code: s.address?.postal_code ?? '',
    city: s.address?.city ?? '',
    country: s.address?.country ?? '',
    latitude: s.latitude ?? '',
    longitude: s.longitude ?? '',
    time_zone: s.time_zone,
    currency: s.currency ?? '',
  }
}

/** The request's body; what is left empty is left out. */
export function bodyOf(f: SiteForm): Record<string, unknown> {
  const address = filled({ street: f.street, postal_code: f.postal_code, city: f.city, country: f.country.toUpperCase() })
  return {
    ...filled({
      name: f.name,
      latitude: f.latitude,
      longitude: f.longitude,
      time_zone: f.time_zone,
      currency: f.currency.toUpperCase(),
    }),
    ...(Object.keys(address).length > 0 ? { address } : {}),
  }
}

function filled(o: Record<string, string>): Record<string, string> {
  const entries = Object.entries(o).map(([k, v]) => [k, v.trim()] as const)
  return Object.fromEntries(entries.filter(([, v]) => v !== ''))
}
