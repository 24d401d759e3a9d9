import { Alert, Button, FileInput, SegmentedControl, Select } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { query, sendFile, useChange, useMay, useOne, type PriceSeries, type SeriesPoints } from '../../../api'
import { Ago, Chart, Facts, Failed, Grid, IconAlert, IconUpload, Instant, Loading, Page, Panel, ProblemAlert, Quiet, useFormat } from '../../../design'
import { exact } from '../words'
import css from '../tariff.module.css'
import { spread } from './points'
import { FeedBadge } from './SeriesList'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const SPANS = { next: [0, 1], week: [-7, 2], month: [-28, 2] } as const
type Span = keyof typeof SPANS

/** One price series: its prices with their gaps, and a way to feed it. */
export function SeriesPage() {
  const { t } = useTranslation()
  const { seriesId } = useParams({ from: '/price-series/$seriesId' })
  const [span, setSpan] = useState<Span>('next')
  // Whole hours, so that what was read stays read while the page is open.
  const [hour] = useState(() => Math.floor(Date.now() / HOUR_MS) * HOUR_MS)
  const [from, to] = SPANS[span].map((d) => new Date(hour + d * DAY_MS).toISOString())
  const path = `/price-series/${encodeURIComponent(seriesId)}`
  const { data, problem, retry } = useOne<SeriesPoints>(`${path}/prices${query({ from, to })}`)
  const may = useMay('tariff.write')
  const crumbs = [
    <Link key="series" to="/pricing/{-$tab}" params={{ tab: 'series' }} className="quiet">
      {t('tariff.section.series')}
    </Link>,
  ]
  return (
    <Page title={data?.series.name ?? t('tariff.section.series')} crumbs={crumbs} aside={data && <FeedBadge series={data.series} />}>
      <Grid>
        {data?.series.late_since && (
          <Alert color="red" variant="light" icon={<IconAlert size={18} aria-hidden />} title={t('tariff.series.late')}>
            {t('tariff.series.lateHint')} <Ago at={data.series.late_since} />
          </Alert>
        )}
        <Panel
          title={t('tariff.series.prices')}
          actions={
            <SegmentedControl
              size="xs"
              aria-label={t('tariff.series.span')}
              value={span}
              onChange={(v) => setSpan(v as Span)}
              data={(Object.keys(SPANS) as Span[]).map((value) => ({ value, label: t(`tariff.series.spans.${value}`) }))}
            />
          }
        >
          {problem ? <Failed problem={problem} retry={retry} /> : data ? <Prices points={data} /> : <Loading />}
        </Panel>
        {data && (
          <div className={css.halves}>
            <Panel title={t('session.facts')}>
              <SeriesFacts series={data.series} />
            </Panel>
            {may && <Feed path={path} />}
          </div>
        )}
      </Grid>
    </Page>
  )
}

function SeriesFacts({ series: s }: { series: PriceSeries }) {
  const { t } = useTranslation()
  return (
    <Facts
      items={[
        [t('tariff.field.currency'), s.currency],
        [t('tariff.series.interval'), `${s.interval_minutes} min`],
        [t('tariff.series.last'), <Instant key="l" at={s.last_at} />],
        [t('tariff.series.fedAt'), <Ago key="f" at={s.fed_at} />],
        [t('tariff.series.source'), s.source],
      ]}
    />
  )
}

function Prices({ points }: { points: SeriesPoints }) {
  const { t } = useTranslation()
  const f = useFormat()
  const { times, values, gaps } = spread(points.items, points.series.interval_minutes)
  if (times.length === 0) return <Quiet>{t('tariff.series.nothing')}</Quiet>
  return (
    <>
      <Chart
        label={t('tariff.series.chart', { from: f.dateTime(points.items[0]?.start) })}
        times={times}
        height={260}
        barWidthMs={points.series.interval_minutes * 60_000}
        series={[{ label: t('tariff.dynamic.perKWh'), values, kind: 'bars', least: 0.01, color: 'var(--tone-active)', format: (v) => exact(f.locale, Number(v.toFixed(4)), points.currency) }]}
      />
      {gaps > 0 && <p className={css.note}>{t('tariff.series.gaps', { count: gaps })}</p>}
    </>
  )
}

function Feed({ path }: { path: string }) {
  const { t } = useTranslation()
  const [file, setFile] = useState<File | null>(null)
  const [per, setPer] = useState('kWh')
  const feed = useChange((f: File) => sendFile<PriceSeries>(`${path}/import`, f, { per }), ['/price-series', '/tariffs'])
  return (
    <Panel title={t('tariff.series.upload')}>
      <p className={css.note}>{t('tariff.series.uploadHint')}</p>
      <div className={css.fields}>
        <FileInput label={t('tariff.series.file')} accept=".csv,.xlsx,text/csv" value={file} onChange={setFile} clearable placeholder="CSV, XLSX" />
        <Select label={t('tariff.series.per')} data={['kWh', 'MWh']} value={per} onChange={(v) => setPer(v ?? 'kWh')} allowDeselect={false} />
      </div>
      <Button mt="md" leftSection={<IconUpload size={16} aria-hidden />} disabled={!file} loading={feed.busy} onClick={() => file && void feed.run(file).catch(() => undefined)}>
        {t('tariff.series.send')}
      </Button>
      <div role="status" style={{ marginTop: 12 }}>
        <ProblemAlert problem={feed.problem} />
        {feed.result && !feed.problem && <Quiet good>{t('tariff.series.sent')}</Quiet>}
      </div>
    </Panel>
  )
}
