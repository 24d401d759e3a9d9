import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useAll, usePollInterval, useRefreshOn, type Sample } from '../../api'
import { Chart, Failed, Loading, useFormat, type Series } from '../../design'
import css from './session.module.css'

interface Props {
  session: string
  zone?: string
  height?: number
  /** The session still runs: new samples are drawn as they come. */
  live?: boolean
  /** Power only, and nothing at all while there is nothing to draw. */
  compact?: boolean
}

/** Power over time, and the car's state of charge where it tells. */
export function PowerCurve({ session, zone, height = 240, live, compact }: Props) {
  const { t } = useTranslation()
  const f = useFormat()
  const path = `/sessions/${encodeURIComponent(session)}/samples`
  const interval = usePollInterval(10_000, 4_000)
  const { rows, loading, problem, retry } = useAll<Sample>(path, {}, { max: 20_000, refetchInterval: live ? interval : false })
  useRefreshOn((e) => Boolean(live) && concerns(e.data, session), [path], 1500)
  const { times, power, soc } = useMemo(() => curve(rows ?? []), [rows])
  if (problem) return compact ? null : <Failed problem={problem} retry={retry} />
  if (loading) return <Loading />
  if (times.length < 2) return <div className={css.noCurve} style={{ height }}>{t('session.noSamples')}</div>
  const series: Series[] = [
    { label: t('session.field.power'), values: power, color: 'var(--tone-active)', fill: true, format: f.power },
  ]
  if (!compact && soc.some((v) => v !== null)) {
    series.push({ label: t('session.field.soc'), values: soc, color: 'var(--tone-good)', axis: 'right', max: 100, format: f.percent })
  }
  const peak = Math.max(...power.map((v) => v ?? 0))
  return <Chart label={t('session.curveLabel', { peak: f.power(peak) })} times={times} series={series} zone={zone} height={height} />
}

/** Samples as aligned columns, oldest first. */
export function curve(rows: Sample[]) {
  const sorted = [...rows]
    .filter((s) => s.power_w !== undefined || s.soc !== undefined)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  return {
    times: sorted.map((s) => Date.parse(s.at)),
    power: sorted.map((s) => s.power_w ?? null),
    soc: sorted.map((s) => s.soc ?? null),
  }
}

function concerns(data: unknown, session: string): boolean {
  if (typeof data !== 'object' || data === null) return false
  const d = data as Record<string, unknown>
  return d.session_id === session || d.id === session || d.session === session
}
