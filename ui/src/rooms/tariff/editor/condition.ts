import type { ElementExtension, Restrictions, TariffElement } from '../../../api'

export const KINDS = ['days', 'hours', 'dates', 'energy', 'duration', 'power', 'current', 'reservation', 'groups', 'soc', 'rated'] as const
export type Kind = (typeof KINDS)[number]

/** The fields of each kind of condition: of OCPI, and our own. */
export const OWN: Partial<Record<Kind, (keyof ElementExtension)[]>> = {
  groups: ['driver_groups'],
  soc: ['min_soc', 'max_soc'],
  rated: ['min_rated_power', 'max_rated_power'],
}
export const OCPI: Partial<Record<Kind, (keyof Restrictions)[]>> = {
  days: ['day_of_week'],
  hours: ['start_time', 'end_time'],
  dates: ['start_date', 'end_date'],
  energy: ['min_kwh', 'max_kwh'],
  duration: ['min_duration', 'max_duration'],
  power: ['min_power', 'max_power'],
  current: ['min_current', 'max_current'],
  reservation: ['reservation'],
}

const given = (v: unknown) => v !== undefined && v !== null && !(Array.isArray(v) && v.length === 0)

/** Whether an element restricts by this. */
export function holds(e: TariffElement, kind: Kind): boolean {
  return (OCPI[kind] ?? []).some((f) => given(e.restrictions?.[f])) || (OWN[kind] ?? []).some((f) => given(e.forecourt?.[f]))
}

/** Takes a condition away. */
export function drop(e: TariffElement, kind: Kind) {
  for (const f of OCPI[kind] ?? []) if (e.restrictions) e.restrictions[f] = undefined
  for (const f of OWN[kind] ?? []) if (e.forecourt) e.forecourt[f] = undefined
}
