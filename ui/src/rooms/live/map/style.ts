import type { ExpressionSpecification, StyleSpecification } from 'maplibre-gl'
import { TONES } from '../../../design'

export const SITES = 'sites'
export const WORLD = 'world'
export const BORDERS = 'borders'

/** A raster tile source: https://…/{z}/{x}/{y}.png. */
export interface Tiles {
  url: string
  attribution?: string
}

const empty: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }

/** The map's layers: the configured tiles, or else the outline of the world; and the sites above. */
export function style(paint: (name: string) => string, tiles?: Tiles): StyleSpecification {
  return {
    version: 8,
    sources: {
      [SITES]: {
        type: 'geojson',
        data: empty,
        cluster: true,
        clusterRadius: 46,
        clusterMaxZoom: 13,
        clusterProperties: Object.fromEntries(TONES.map((tone) => [tone, ['+', ['get', tone]]])),
      },
      ...(tiles
        ? { tiles: { type: 'raster', tiles: [tiles.url], tileSize: 256, attribution: tiles.attribution ?? '' } }
        : { [WORLD]: { type: 'geojson', data: empty }, [BORDERS]: { type: 'geojson', data: empty } }),
    },
    layers: [
      { id: 'sea', type: 'background', paint: { 'background-color': paint('--map-sea') } },
      ...(tiles
        ? [{ id: 'tiles', type: 'raster' as const, source: 'tiles' }]
        : [
            { id: WORLD, type: 'fill' as const, source: WORLD, paint: { 'fill-color': paint('--map-land'), 'fill-antialias': true } },
            { id: BORDERS, type: 'line' as const, source: BORDERS, paint: { 'line-color': paint('--map-border'), 'line-width': 0.8 } },
          ]),
      {
        id: SITES,
        type: 'symbol',
        source: SITES,
        layout: { 'icon-image': donutName, 'icon-allow-overlap': true, 'icon-ignore-placement': true },
      },
    ],
  }
}

/** "donut|3|1|0|0|0|2": a picture per combination of counts, drawn when first asked for. */
const donutName: ExpressionSpecification = [
  'concat',
  'donut',
  ...TONES.flatMap((tone) => ['|', ['to-string', ['get', tone]]] as [string, ExpressionSpecification]),
]
