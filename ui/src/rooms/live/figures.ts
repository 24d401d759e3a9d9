import type { Site, Station } from '../../api'
import { countTones, isCharging, ports, powerOf } from '../station'

/** What the counters show of some stations. */
export function figures(stations: Station[]) {
  const all = stations.flatMap((s) => s.evses ?? [])
  return {
    stations: stations.length,
    online: stations.filter((s) => s.online).length,
    ports: all.length,
    charging: all.filter(isCharging).length,
    power_w: stations.reduce((sum, s) => sum + powerOf(s), 0),
    faulted: stations.flatMap(ports).filter((p) => p.status === 'faulted').length,
    unreachable: stations.filter((s) => s.active && !s.online).length,
  }
}

/** Stations that need a hand, the worst first. */
export function needingAttention(stations: Station[]): Station[] {
  return stations
    .map((s) => ({ s, rank: rank(s) }))
    .filter((x) => x.rank > 0)
    .sort((a, b) => b.rank - a.rank || a.s.id.localeCompare(b.s.id))
    .map((x) => x.s)
}

function rank(s: Station): number {
  if (!s.active) return 0
  if (ports(s).some((p) => p.status === 'faulted')) return 3
  if (!s.online) return 2
  if (s.evses?.some((e) => e.suspect)) return 1
  return 0
}

/** Sites with their stations' ports counted by tone, as points of a map. Sites without a place are left out. */
export function sitePoints(sites: Site[], stations: Station[]): GeoJSON.FeatureCollection<GeoJSON.Point> {
  const at = new Map<string, Station[]>()
  for (const s of stations) {
    if (s.site) at.set(s.site, [...(at.get(s.site) ?? []), s])
  }
  const features = sites.flatMap((site): GeoJSON.Feature<GeoJSON.Point>[] => {
    const [lng, lat] = [Number(site.longitude), Number(site.latitude)]
    const here = at.get(site.id)
    if (!site.longitude || !site.latitude || Number.isNaN(lng) || Number.isNaN(lat) || !here) return []
    return [
      {
        type: 'Feature',
        geometry: { type: 'Point', coordinates: [lng, lat] },
        properties: { id: site.id, name: site.name, ...countTones(here) },
      },
    ]
  })
  return { type: 'FeatureCollection', features }
}
