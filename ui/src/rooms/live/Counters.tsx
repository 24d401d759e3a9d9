import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useAll, useMay, type Session, type Station } from '../../api'
import { IconAlert, IconBolt, IconGauge, IconPlugConnected, IconStation, Stat, useFormat, type ListParams } from '../../design'
import { figures } from './figures'
import css from './live.module.css'

/** The network in five figures; each leads to the stations it counts. */
export function Counters({ stations }: { stations: Station[] | undefined }) {
  const { t } = useTranslation()
  const f = useFormat()
  const navigate = useNavigate()
  const n = useMemo(() => stations && figures(stations), [stations])
  const energy = useEnergyToday()
  const show = (search: ListParams) => void navigate({ to: '/stations', search: search as never })
  return (
    <div className={css.counters}>
      <Stat
        label={t('live.online')}
        icon={<IconStation size={17} aria-hidden />}
        value={n && f.number(n.online)}
        hint={n && t('live.ofStations', { total: f.number(n.stations) })}
        onClick={() => show({ online: 'true' })}
        testId="count-online"
      />
      <Stat
        label={t('live.charging')}
        icon={<IconPlugConnected size={17} aria-hidden />}
        value={n && f.number(n.charging)}
        hint={n && t('live.ofPorts', { total: f.number(n.ports) })}
        onClick={() => show({ 'status[in]': 'charging' })}
        testId="count-charging"
      />
      <Stat label={t('live.power')} icon={<IconGauge size={17} aria-hidden />} value={n && f.power(n.power_w)} hint={t('live.powerHint')} testId="power-now" />
      <Stat label={t('live.energy')} icon={<IconBolt size={17} aria-hidden />} value={energy} hint={t('live.energyHint')} testId="energy-today" />
      <Stat
        label={t('live.faults')}
        icon={<IconAlert size={17} aria-hidden color={n && n.faulted > 0 ? 'var(--tone-bad)' : undefined} />}
        value={n && f.number(n.faulted)}
        hint={n && (n.unreachable > 0 ? t('live.unreachable', { total: f.number(n.unreachable) }) : t('live.allReachable'))}
        onClick={() => show({ 'status[in]': 'faulted,unreachable' })}
        testId="count-faults"
      />
    </div>
  )
}

/** Energy of the sessions that began today, in the reader's own day. */
function useEnergyToday(): string | undefined {
  const f = useFormat()
  const midnight = new Date()
  midnight.setHours(0, 0, 0, 0)
  const params = { 'started_at[gte]': midnight.toISOString() }
  const { rows } = useAll<Session>('/sessions', params, { max: 10_000, refetchInterval: 30_000, enabled: useMay('session.read') })
  return rows && f.energy(rows.reduce((sum, s) => sum + s.energy_wh, 0))
}
