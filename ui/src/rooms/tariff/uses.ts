import type { Station, TariffPlace } from '../../api'

/**
 * How many EVSEs the places cover, each counted once. A place of a whole
 * organisation covers its stations; top is the caller's own, which covers all.
 */
export function evsesAt(places: TariffPlace[], fleet: Station[], top: string | undefined): number {
  const lower = (s: string | undefined) => s?.toLowerCase()
  const covers = (s: Station, evse: number) =>
    places.some((p) => {
      if (p.evse_id) return lower(p.station_id) === lower(s.id) && p.evse_id === evse
      if (p.station_id) return lower(p.station_id) === lower(s.id)
      if (p.site) return p.site === s.site
      return p.organisation === s.organisation || p.organisation === top
    })
  return fleet.reduce((sum, s) => sum + s.evses.filter((e) => e.id > 0 && covers(s, e.id)).length, 0)
}

/** What kind of place it is: the most specific part that is given counts. */
export function levelOf(p: TariffPlace): 'evse' | 'station' | 'site' | 'organisation' {
  if (p.evse_id) return 'evse'
  if (p.station_id) return 'station'
  return p.site ? 'site' : 'organisation'
}
