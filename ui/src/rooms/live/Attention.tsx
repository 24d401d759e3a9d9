import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Site, Station } from '../../api'
import { Ago, Empty, IconCheck, Loading, Panel } from '../../design'
import { StationLink, StatusBadge } from '../station'
import { needingAttention } from './figures'
import css from './live.module.css'

const SHOWN = 6

/** What somebody should look at now. */
export function Attention({ stations, sites }: { stations: Station[] | undefined; sites: Map<string, Site> }) {
  const { t } = useTranslation()
  const list = useMemo(() => needingAttention(stations ?? []), [stations])
  return (
    <Panel title={t('live.attention')} className={css.attention}>
      {!stations ? (
        <Loading />
      ) : list.length === 0 ? (
        <Empty icon={<IconCheck size={22} aria-hidden />} title={t('live.allWell')}>
          {t('live.allWellHint')}
        </Empty>
      ) : (
        <>
          <ul className={css.troubles}>
            {list.slice(0, SHOWN).map((s) => (
              <li key={s.id}>
                <div className={css.trouble}>
                  <StationLink id={s.id} />
                  <Trouble station={s} />
                </div>
                <div className={css.place}>
                  {[sites.get(s.site ?? '')?.name, s.vendor].filter(Boolean).join(' · ')}
                  {!s.online && s.last_seen_at && (
                    <>
                      {' · '}
                      {t('station.lastSeen')} <Ago at={s.last_seen_at} />
                    </>
                  )}
                </div>
              </li>
            ))}
          </ul>
          {list.length > SHOWN && (
            <Link to="/stations" search={{ 'status[in]': 'faulted,unreachable' } as never} className="link">
              {t('live.more', { more: list.length - SHOWN })}
            </Link>
          )}
        </>
      )}
    </Panel>
  )
}

function Trouble({ station: s }: { station: Station }) {
  const faulted = s.evses?.find((e) => e.status === 'faulted')
  if (!s.online) return <StatusBadge status="unreachable" />
  if (faulted) return <StatusBadge status="faulted" />
  const suspect = s.evses?.find((e) => e.suspect)
  return <StatusBadge status={suspect?.status ?? s.status} suspect={Boolean(suspect)} />
}
