import type { GeoJSONSource, Map } from 'maplibre-gl'
import { feature, mesh } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import worldUrl from 'world-atlas/countries-50m.json?url'
import { BORDERS, WORLD } from './style'

type World = Topology<{ countries: GeometryCollection }>

/** ISO 3166-1 numeric. Its outline runs along the pole, which a Mercator map does not have. */
const ANTARCTICA = '010'

interface Outlines {
  land: GeoJSON.FeatureCollection
  borders: GeoJSON.MultiLineString
}

let outlines: Promise<Outlines> | undefined

/** The countries' outlines, from a file of our own, once: no request leaves this server. */
export function fetchWorld(): Promise<Outlines> {
  outlines ??= fetch(worldUrl)
    .then((r) => r.json() as Promise<World>)
    .then(outlinesOf)
  outlines.catch(() => (outlines = undefined)) // the next map tries again
  return outlines
}

function outlinesOf(world: World): Outlines {
  const countries = { ...world.objects.countries, geometries: world.objects.countries.geometries.filter((g) => g.id !== ANTARCTICA) }
  const land = feature(world, countries)
  for (const f of land.features) unwrapGeometry(f.geometry)
  const borders = mesh(world, countries, (a, b) => a !== b)
  unwrapGeometry(borders)
  return { land, borders }
}

export function showWorld(map: Map, { land, borders }: Outlines) {
  map.getSource<GeoJSONSource>(WORLD)?.setData(land)
  map.getSource<GeoJSONSource>(BORDERS)?.setData({ type: 'Feature', properties: {}, geometry: borders })
}

/**
 * The file is made for a sphere: Russia's outline steps from 180° to −180°,
 * which on a flat map is a line across the whole world. Carried on past 180°
 * it is whole again, and the map draws what lies beyond on the other side.
 */
export function unwrap(line: GeoJSON.Position[]): void {
  let shift = 0
  let before: number | undefined
  for (const point of line) {
    const lng = point[0] ?? 0
    if (before !== undefined && lng - before > 180) shift -= 360
    if (before !== undefined && lng - before < -180) shift += 360
    before = lng
    point[0] = lng + shift
  }
}

function unwrapGeometry(g: GeoJSON.Geometry) {
  if (g.type === 'Polygon' || g.type === 'MultiLineString') g.coordinates.forEach(unwrap)
  if (g.type === 'MultiPolygon') g.coordinates.flat().forEach(unwrap)
}
