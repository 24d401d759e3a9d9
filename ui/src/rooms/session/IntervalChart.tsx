import { SegmentedControl } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOne, usePollInterval, useRefreshOn, type Interval, type Page } from '../../api'
import { Chart, DataTable, Failed, Instant, Loading, Panel, useFormat, type Column } from '../../design'
import css from './session.module.css'

/** Energy by quarter hour, as bars or as a table. Their sum is the session's energy. */
export function IntervalChart({ session, zone, live }: { session: string; zone?: string; live?: boolean }) {
  const { t } = useTranslation()
  const [view, setView] = useState('chart')
  const path = `/sessions/${encodeURIComponent(session)}/intervals`
  const interval = usePollInterval(30_000, 10_000)
  const { data, loading, problem, retry } = useOne<Page<Interval>>(path, { refetchInterval: live ? interval : false })
  const rows = data?.items
  useRefreshOn((e) => Boolean(live) && e.kind.startsWith('session.'), [path], 5000)
  return (
    <Panel
      title={t('session.intervals.title')}
      flush={view === 'table'}
      actions={
        <SegmentedControl
          size="xs"
          value={view}
          onChange={setView}
          aria-label={t('session.intervals.view')}
          data={[
            { value: 'chart', label: t('session.intervals.chart') },
            { value: 'table', label: t('session.intervals.table') },
          ]}
        />
      }
    >
      {problem ? (
        <Failed problem={problem} retry={retry} />
      ) : loading || !rows ? (
        <Loading />
      ) : rows.length === 0 ? (
        <div className={css.noCurve}>{t('session.intervals.empty')}</div>
      ) : view === 'table' ? (
        <Table rows={rows} zone={zone} />
      ) : (
        <Bars rows={rows} zone={zone} />
      )}
    </Panel>
  )
}

function Bars({ rows, zone }: { rows: Interval[]; zone?: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const { times, energy, pale } = useMemo(() => bars(rows), [rows])
  const total = rows.reduce((sum, r) => sum + r.energy_wh, 0)
  return (
    <>
      <Chart
        label={t('session.intervals.label', { total: f.energy(total) })}
        times={times}
        zone={zone}
        height={220}
        barWidthMs={QUARTER_MS}
        series={[
          { label: t('session.field.energy'), values: energy, pale, kind: 'bars', color: 'var(--tone-active)', format: f.energy },
        ]}
      />
      {pale.some(Boolean) && <div className={css.legendNote}>{t('session.intervals.interpolatedHint')}</div>}
    </>
  )
}

const QUARTER_MS = 15 * 60_000

/** Each bar stands in the middle of its quarter hour, whole hours on the clock, even if the session began within it. */
export function bars(rows: Interval[]) {
  const sorted = [...rows].sort((a, b) => Date.parse(a.start) - Date.parse(b.start))
  return {
    times: sorted.map((r) => Math.floor(Date.parse(r.start) / QUARTER_MS) * QUARTER_MS + QUARTER_MS / 2),
    energy: sorted.map((r) => r.energy_wh),
    pale: sorted.map((r) => r.quality === 'interpolated'),
  }
}

function Table({ rows, zone }: { rows: Interval[]; zone?: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const columns: Column<Interval>[] = [
    { id: 'start', header: t('session.intervals.start'), card: 'lead', cell: (r) => <Instant at={r.start} zone={zone} /> },
    { id: 'end', header: t('session.intervals.end'), cell: (r) => <Instant at={r.end} zone={zone} form="time" /> },
    { id: 'energy', header: t('session.field.energy'), align: 'right', cell: (r) => f.energy(r.energy_wh) },
    { id: 'average', header: t('session.intervals.average'), align: 'right', cell: (r) => f.power(r.average_power_w) },
    { id: 'max', header: t('session.field.maxPower'), align: 'right', cell: (r) => f.power(r.max_power_w) },
    { id: 'quality', header: t('session.intervals.quality'), cell: (r) => (r.quality ? t(`session.intervals.${r.quality}`) : '–') },
  ]
  return <DataTable label={t('session.intervals.title')} rows={rows} columns={columns} rowKey={(r) => r.start} />
}
