import { CloseButton } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Site, Station } from '../../api'
import { Instant, ToneBar, useFormat } from '../../design'
import { countTones, powerOf, StationLink, StatusBadge } from '../station'
import css from './live.module.css'

/** A site picked on the map: its stations and what they do. */
export function SiteCard({ site, stations, onClose }: { site: Site; stations: Station[]; onClose: () => void }) {
  const { t } = useTranslation()
  const f = useFormat()
  const ref = useRef<HTMLElement>(null)
  useEffect(() => ref.current?.focus(), [site.id])
  const power = stations.reduce((sum, s) => sum + powerOf(s), 0)
  return (
    <section
      ref={ref}
      tabIndex={-1}
      className={css.siteCard}
      aria-label={site.name}
      onKeyDown={(e) => e.key === 'Escape' && onClose()}
      data-testid="site-card"
    >
      <header>
        <strong>{site.name}</strong>
        <CloseButton size="sm" aria-label={t('design.close')} onClick={onClose} />
      </header>
      <div className={css.place}>
        {[site.address?.city, site.address?.country].filter(Boolean).join(', ')} · <Instant at={new Date().toISOString()} zone={site.time_zone} form="time" />{' '}
        · {f.power(power)}
      </div>
      <ToneBar counts={countTones(stations)} label={t('live.map.ports')} />
      <ul>
        {stations.map((s) => (
          <li key={s.id}>
            <StationLink id={s.id} />
            <StatusBadge status={s.status} />
          </li>
        ))}
      </ul>
    </section>
  )
}
