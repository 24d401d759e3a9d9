import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { query, useFleet, useMe, useOne, useSites, type Tariff, type TariffPlace, type TariffUse } from '../../../api'
import { Failed, Grid, Loading, Panel } from '../../../design'
import { levelOf, evsesAt } from '../uses'
import css from '../tariff.module.css'
import { Assignments } from './Assignments'
import { DynamicPanel } from './DynamicPanel'

/** Where a tariff is in force: by itself, by tariff groups, and which price series it follows. */
export function WherePanel({ tariff }: { tariff: Tariff }) {
  const { t } = useTranslation()
  const id = tariff.id ?? ''
  const { data, problem, retry } = useOne<{ items: TariffUse[] }>(`/tariff-uses${query({ tariffs: id })}`)
  const use = data?.items[0]
  const fleet = useFleet().rows ?? []
  const top = useMe().me?.organisation.id
  return (
    <div className={css.halves}>
      <Grid>
        <Panel title={t('tariff.where')}>
          {problem && <Failed problem={problem} retry={retry} />}
          {!data && !problem && <Loading />}
          {data && <p className={css.sentence}>{use ? t('tariff.evses', { count: evsesAt(use.places, fleet, top) }) : t('tariff.nowhere')}</p>}
          {use && use.groups.length > 0 && (
            <>
              <h3 className={css.sub}>{t('tariff.section.groups')}</h3>
              <ul className={css.list}>
                {use.groups.map((g) => (
                  <li key={g.id}>
                    <Link to="/tariff-groups/$groupId" params={{ groupId: g.id }} className="link">
                      {g.name}
                    </Link>
                  </li>
                ))}
              </ul>
            </>
          )}
          {use && (
            <>
              <h3 className={css.sub}>{t('tariff.places')}</h3>
              <ul className={css.list}>
                {use.places.slice(0, 50).map((p, i) => (
                  <li key={i}>
                    <PlaceName place={p} />
                  </li>
                ))}
                {use.places.length > 50 && <li>{t('tariff.morePlaces', { count: use.places.length - 50 })}</li>}
              </ul>
            </>
          )}
        </Panel>
      </Grid>
      <Grid>
        <Panel title={t('tariff.direct')}>
          <Assignments tariff={id} />
        </Panel>
        <DynamicPanel tariff={tariff} />
      </Grid>
    </div>
  )
}

export function PlaceName({ place: p }: { place: TariffPlace }) {
  const { t } = useTranslation()
  const { byId } = useSites()
  const level = levelOf(p)
  if (level === 'organisation') return <>{t('tariff.everywhere')}</>
  if (level === 'site') return <>{byId.get(p.site ?? '')?.name ?? p.site}</>
  return (
    <>
      <Link to="/stations/$stationId/{-$tab}" params={{ stationId: p.station_id ?? '', tab: undefined }} className="link">
        {p.station_id}
      </Link>
      {level === 'evse' && ` / ${p.evse_id}`}
    </>
  )
}
