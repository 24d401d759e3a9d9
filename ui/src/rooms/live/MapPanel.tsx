import { Skeleton } from '@mantine/core'
import { useComputedColorScheme } from '@mantine/core'
import { lazy, Suspense, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useConsoleConfig, type Site, type Station } from '../../api'
import { Panel, toneColor, type Tone } from '../../design'
import { sitePoints } from './figures'
import css from './live.module.css'
import { SiteCard } from './SiteCard'

const MapView = lazy(() => import('./map/MapView'))

const LEGEND: [Tone, string][] = [
  ['good', 'available'],
  ['active', 'charging'],
  ['wait', 'busy'],
  ['held', 'reserved'],
  ['bad', 'faulted'],
  ['idle', 'outOfService'],
]

/** The same object while its content is the same: most live changes leave the map as it is. */
function useSteady<T>(value: T): T {
  const [kept, setKept] = useState({ value, text: JSON.stringify(value) })
  const text = JSON.stringify(value)
  if (text === kept.text) return kept.value
  setKept({ value, text })
  return value
}

export function MapPanel({ stations, sites }: { stations: Station[]; sites: Site[] }) {
  const { t, i18n } = useTranslation()
  const [selected, setSelected] = useState<string>()
  const points = useSteady(useMemo(() => sitePoints(sites, stations), [sites, stations]))
  const scheme = useComputedColorScheme()
  const config = useConsoleConfig()
  const site = sites.find((s) => s.id === selected)
  const placed = new Set(points.features.map((p) => p.properties?.id as string))
  const unplaced = stations.filter((s) => !s.site || !placed.has(s.site)).length
  return (
    <Panel flush className={css.mapPanel} label={t('live.map.title')}>
      <div className={css.map}>
        <Suspense fallback={<Skeleton height="100%" radius={12} />}>
          <MapView
            key={`${scheme}/${i18n.language}`}
            points={points}
            selected={selected}
            onSelect={setSelected}
            tiles={config?.tile_url ? { url: config.tile_url, attribution: config.attribution } : undefined}
          />
        </Suspense>
        {site && <SiteCard site={site} stations={stations.filter((s) => s.site === site.id)} onClose={() => setSelected(undefined)} />}
      </div>
      <div className={css.legend}>
        {LEGEND.map(([tone, key]) => (
          <span key={tone}>
            <i style={{ background: toneColor(tone) }} aria-hidden />
            {t(`live.legend.${key}`)}
          </span>
        ))}
        {unplaced > 0 && <span className={css.unplaced}>{t('live.map.unplaced', { total: unplaced })}</span>}
      </div>
    </Panel>
  )
}
