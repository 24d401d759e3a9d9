import { Button, Progress, SegmentedControl } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { downloadUrl, useAll, useOne, useSites, type Backtest, type BacktestReport, type Tally, type TariffGroup } from '../../../api'
import { Bars, DataTable, Failed, Grid, IconDownload, Instant, Loading, NONE, Page, Panel, Quiet, Stat, IconBolt, IconReceipt, useFormat, type Column } from '../../../design'
import css from '../tariff.module.css'
import { BacktestBadge } from './BacktestsList'
import { HourChart } from './HourChart'
import { decimal, growth, histogram } from './report'

/** What came of a back-test: before and after, side by side. */
export function BacktestPage() {
  const { t } = useTranslation()
  const f = useFormat()
  const { backtestId } = useParams({ from: '/tariff-backtests/$backtestId' })
  const path = `/tariff-backtests/${encodeURIComponent(backtestId)}`
  const [over, setOver] = useState(false)
  const { data: b, problem, retry } = useOne<Backtest>(path, { refetchInterval: over ? false : 1_000 })
  const ended = b?.status === 'done' || b?.status === 'failed'
  if (ended !== over && b) setOver(ended)
  const crumbs = [
    <Link key="backtests" to="/pricing/{-$tab}" params={{ tab: 'backtests' }} className="quiet">
      {t('tariff.section.backtests')}
    </Link>,
  ]
  const csv = b?.report && (
    <Button component="a" href={downloadUrl(`${path}/csv`)} variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
      CSV
    </Button>
  )
  return (
    <Page title={b?.title || t('tariff.backtest.one')} crumbs={crumbs} aside={b && <BacktestBadge status={b.status} />} actions={csv}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!b && !problem && <Loading />}
      {b && (
        <Grid>
          <Panel>
            <p className={css.sentence} lang="en">
              {b.candidate}
            </p>
            <p className={css.note} style={{ marginTop: 6 }}>
              <Instant at={b.from} /> – <Instant at={b.to} />
            </p>
            {!ended && (
              <div role="status">
                <Progress value={b.total ? (100 * b.done) / b.total : 0} aria-label={t('tariff.change.progress')} animated />
                <p className={css.help}>{t('tariff.backtest.progress', { done: f.number(b.done), total: f.number(b.total) })}</p>
              </div>
            )}
            {b.problem && <p className={css.fault}>{b.problem}</p>}
          </Panel>
          {b.report && <Report report={b.report} />}
        </Grid>
      )}
    </Page>
  )
}

function Report({ report: r }: { report: BacktestReport }) {
  const { t } = useTranslation()
  const f = useFormat()
  const money = (micros: number) => f.money({ amount: decimal(micros), currency: r.currency })
  const g = growth(r.total)
  if (r.total.sessions === 0) return <Quiet>{t('tariff.backtest.nothing')}</Quiet>
  const bars = histogram(r).map((b, i) => ({ id: String(i), label: range(b, money, t), value: b.sessions, text: f.number(b.sessions) }))
  return (
    <>
      <div className={css.compare} data-testid="backtest-result">
        <Stat label={t('tariff.backtest.before')} icon={<IconReceipt size={16} aria-hidden />} value={money(r.total.before_excl_micros)} hint={t('tariff.backtest.withTax', { amount: money(r.total.before_incl_micros) })} />
        <Stat label={t('tariff.backtest.after')} icon={<IconReceipt size={16} aria-hidden />} value={money(r.total.after_excl_micros)} hint={t('tariff.backtest.withTax', { amount: money(r.total.after_incl_micros) })} />
        <Stat label={t('tariff.backtest.growth')} icon={<IconBolt size={16} aria-hidden />} value={g === undefined ? NONE : `${g > 0 ? '+' : ''}${f.number(g, 1)} %`} hint={money(r.total.after_excl_micros - r.total.before_excl_micros)} />
        <Stat label={t('tariff.backtest.sessions')} icon={<IconBolt size={16} aria-hidden />} value={f.number(r.total.sessions)} hint={t('tariff.backtest.who', { dearer: r.total.dearer, cheaper: r.total.cheaper, same: r.total.same })} />
      </div>
      {(r.skipped > 0 || r.unreadable > 0) && <p className={css.note}>{t('tariff.backtest.skipped', { skipped: r.skipped, unreadable: r.unreadable })}</p>}
      <div className={css.halves}>
        <Panel title={t('tariff.backtest.histogram')}>
          <p className={css.note}>{t('tariff.backtest.histogramHint', { same: f.number(r.total.same) })}</p>
          {bars.length === 0 ? <Quiet>{t('tariff.backtest.allSame')}</Quiet> : <Bars label={t('tariff.backtest.histogram')} rows={bars} />}
        </Panel>
        <Panel title={t('tariff.backtest.hours')}>
          <HourChart hours={r.hours} money={money} />
        </Panel>
      </div>
      <Parts report={r} money={money} />
    </>
  )
}

function range(b: BacktestReport['histogram'][number], money: (m: number) => string, t: ReturnType<typeof useTranslation>['t']): string {
  if (b.from_micros === undefined) return t('tariff.backtest.below', { to: money(b.to_micros ?? 0) })
  if (b.to_micros === undefined) return t('tariff.backtest.above', { from: money(b.from_micros) })
  return t('tariff.backtest.range', { from: money(b.from_micros), to: money(b.to_micros) })
}

type Row = Tally & { key: string; name: string }

/** The same by site, by tariff group, by hour of the day. */
function Parts({ report: r, money }: { report: BacktestReport; money: (m: number) => string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const [by, setBy] = useState<'site' | 'group' | 'hour'>('site')
  const { byId } = useSites()
  const { rows: groups } = useAll<TariffGroup>('/tariff-groups', {}, { max: 2_000, enabled: by === 'group' })
  const groupName = (id: string | undefined) => groups?.find((g) => g.id === id)?.name ?? id ?? t('tariff.backtest.noGroup')
  const rows: Row[] =
    by === 'site'
      ? r.sites.map((x) => ({ ...x, key: x.site, name: byId.get(x.site)?.name ?? (x.site || NONE) }))
      : by === 'group'
        ? r.groups.map((x) => ({ ...x, key: `${x.group}/${x.audience}`, name: [groupName(x.group), x.audience && t(`tariff.audience.${x.audience as 'default'}`)].filter(Boolean).join(' – ') }))
        : r.hours.filter((x) => x.sessions > 0).map((x) => ({ ...x, key: String(x.hour), name: `${String(x.hour).padStart(2, '0')}:00` }))
  const columns: Column<Row>[] = [
    { id: 'name', header: t(`tariff.backtest.by.${by}`), card: 'lead', cell: (x) => <strong>{x.name}</strong> },
    { id: 'sessions', header: t('tariff.backtest.sessions'), align: 'right', cell: (x) => f.number(x.sessions) },
    { id: 'energy', header: t('session.field.energy'), align: 'right', cell: (x) => f.energy(x.energy_mwh / 1000) },
    { id: 'before', header: t('tariff.backtest.before'), align: 'right', cell: (x) => money(x.before_excl_micros) },
    { id: 'after', header: t('tariff.backtest.after'), align: 'right', cell: (x) => money(x.after_excl_micros) },
    { id: 'dearer', header: t('tariff.backtest.dearer'), align: 'right', cell: (x) => f.number(x.dearer) },
    { id: 'cheaper', header: t('tariff.backtest.cheaper'), align: 'right', cell: (x) => f.number(x.cheaper) },
  ]
  return (
    <Panel
      title={t('tariff.backtest.parts')}
      flush
      actions={<SegmentedControl size="xs" aria-label={t('tariff.backtest.parts')} value={by} onChange={(v) => setBy(v as typeof by)} data={(['site', 'group', 'hour'] as const).map((value) => ({ value, label: t(`tariff.backtest.by.${value}`) }))} />}
    >
      <DataTable label={t('tariff.backtest.parts')} rows={rows} columns={columns} rowKey={(x) => x.key} />
    </Panel>
  )
}
