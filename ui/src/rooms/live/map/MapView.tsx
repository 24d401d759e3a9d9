import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { LngLatBounds, Map as MapLibre, NavigationControl, setWorkerUrl, type GeoJSONSource } from 'maplibre-gl'
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { drawDonut } from './donut'
import { SITES, style, type Tiles } from './style'
import { fetchWorld, showWorld } from './world'

setWorkerUrl(workerUrl)

interface Props {
  points: GeoJSON.FeatureCollection<GeoJSON.Point>
  selected?: string
  onSelect: (site: string | undefined) => void
  tiles?: Tiles
}

const MAX_FIT_ZOOM = 6

/** Sites on a map of the world, clustered. Made anew when the colours or the language change (see its key). */
export default function MapView({ points, selected, onSelect, tiles }: Props) {
  const { t } = useTranslation()
  const box = useRef<HTMLDivElement>(null)
  const [map, setMap] = useState<MapLibre>()
  const select = useRef(onSelect)
  select.current = onSelect

  useEffect(() => {
    const host = box.current
    if (!host) return
    const paint = (name: string) => getComputedStyle(host).getPropertyValue(name).trim()
    const made = new MapLibre({
      container: host,
      style: style(paint, tiles),
      center: [8, 48],
      zoom: 1.2,
      minZoom: 0.5,
      maxZoom: 17,
      dragRotate: false,
      pitchWithRotate: false,
      renderWorldCopies: true,
      fadeDuration: 0, // figures that change must not blink
      cooperativeGestures: true,
      attributionControl: tiles?.attribution ? { compact: true } : false,
      locale: {
        'NavigationControl.ZoomIn': t('live.map.zoomIn'),
        'NavigationControl.ZoomOut': t('live.map.zoomOut'),
        'Map.Title': t('live.map.title'),
        'CooperativeGesturesHandler.WindowsHelpText': t('live.map.gestureCtrl'),
        'CooperativeGesturesHandler.MacHelpText': t('live.map.gestureMac'),
        'CooperativeGesturesHandler.MobileHelpText': t('live.map.gestureTouch'),
      },
    })
    made.touchZoomRotate.disableRotation()
    made.addControl(new NavigationControl({ showCompass: false }), 'top-right')
    drawDonuts(made, paint)
    const world = tiles ? undefined : fetchWorld()
    made.on('style.load', () => {
      setMap(made)
      void world?.then((w) => showWorld(made, w))
    })
    made.once('idle', () => host.setAttribute('data-drawn', 'true'))
    wireClicks(made, (site) => select.current(site))
    return () => {
      setMap(undefined)
      made.remove()
    }
    // A change of colours or language remounts the component.
  }, [tiles?.url])

  usePoints(map, points)
  useFit(map, points)
  useEffect(() => {
    const place = points.features.find((p) => p.properties?.id === selected)?.geometry.coordinates
    if (map && place) map.easeTo({ center: place as [number, number], zoom: Math.max(map.getZoom(), 7) })
    // Only a new selection moves the map, not new figures of the same site.
  }, [map, selected])

  return <div ref={box} style={{ position: 'absolute', inset: 0 }} data-testid="map" data-ready={map !== undefined} />
}

/** Puts the points on the map, at most once a second: each time they are clustered anew. */
function usePoints(map: MapLibre | undefined, points: Props['points']) {
  const last = useRef(0)
  useEffect(() => {
    const wait = Math.max(0, last.current + 1000 - Date.now())
    const timer = setTimeout(() => {
      last.current = Date.now()
      map?.getSource<GeoJSONSource>(SITES)?.setData(points)
    }, wait)
    return () => clearTimeout(timer)
  }, [map, points])
}

/** Shows all sites once they are known, and again only when sites come or go. */
function useFit(map: MapLibre | undefined, points: Props['points']) {
  const fitted = useRef('')
  useEffect(() => {
    const places = points.features.map((p) => p.geometry.coordinates as [number, number])
    const key = JSON.stringify(places)
    const first = places[0]
    if (!map || !first || fitted.current === key) return
    fitted.current = key
    const bounds = places.reduce((b, p) => b.extend(p), new LngLatBounds(first, first))
    map.fitBounds(bounds, { padding: 70, maxZoom: MAX_FIT_ZOOM, animate: false })
  }, [map, points])
}

/** Pictures of counts that are long gone are given up again. */
const MAX_PICTURES = 400

function drawDonuts(map: MapLibre, paint: (name: string) => string) {
  const drawn = new Set<string>()
  map.setMissingStyleImageResolver((id) => {
    const image = drawDonut(id, paint)
    if (!image || map.hasImage(id)) return
    map.addImage(id, image, { pixelRatio: 2 })
    drawn.add(id)
    const [oldest] = drawn
    if (drawn.size > MAX_PICTURES && oldest) {
      drawn.delete(oldest)
      map.removeImage(oldest)
    }
  })
}

function wireClicks(map: MapLibre, select: (site: string | undefined) => void) {
  map.on('click', (e) => {
    const feature = map.queryRenderedFeatures(e.point, { layers: [SITES] })[0]
    if (!feature) return select(undefined)
    if (!feature.properties.cluster) return select(String(feature.properties.id))
    const center = (feature.geometry as GeoJSON.Point).coordinates as [number, number]
    void map
      .getSource<GeoJSONSource>(SITES)
      ?.getClusterExpansionZoom(Number(feature.properties.cluster_id))
      .then((zoom) => map.easeTo({ center, zoom: zoom + 0.3 }))
  })
  map.on('mouseenter', SITES, () => (map.getCanvas().style.cursor = 'pointer'))
  map.on('mouseleave', SITES, () => (map.getCanvas().style.cursor = ''))
}
