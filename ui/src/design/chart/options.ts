import uPlot from 'uplot'
import type { Series } from './types'

interface Make {
  host: HTMLElement
  series: () => Series[]
  locale: string
  zone?: string
  height: number
  barWidthMs?: number
  onCursor: (index: number | null) => void
}

export function options(m: Make): uPlot.Options {
  const paint = (name: string) => resolve(m.host, name)
  const series = m.series()
  const right = series.some((s) => s.axis === 'right')
  return {
    width: Math.max(m.host.clientWidth, 100),
    height: m.height,
    padding: [8, right ? 0 : 20, 0, 0], // room for half the last label of time
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    hooks: { setCursor: [(u) => m.onCursor(u.cursor.idx ?? null)] },
    tzDate: (ts) => (m.zone ? zoned(ts, m.zone) : new Date(ts * 1000)),
    scales: {
      x: m.barWidthMs ? { range: (u) => aroundBars(u, (m.barWidthMs ?? 0) / 2000) } : {},
      left: { range: (_, min, max) => ends(min, max, m.series().find((s) => s.axis !== 'right')) },
      right: { range: (_, min, max) => ends(min, max, m.series().find((s) => s.axis === 'right')) },
    },
    axes: [
      axis(paint, { values: (_, splits) => timeLabels(splits, m.locale, m.zone), space: 70, size: 28 }),
      axis(paint, { scale: 'left', size: axisSize, values: (_, v) => v.map((x) => label(m.series(), 'left', x)) }),
      ...(right
        ? [axis(paint, { scale: 'right', side: 1, size: 50, grid: { show: false }, values: (_, v) => v.map((x) => label(m.series(), 'right', x)) })]
        : []),
    ],
    series: [{}, ...series.map((s, i) => line(s, () => m.series()[i], paint))],
  }
}

function line(s: Series, now: () => Series | undefined, paint: (c: string) => string): uPlot.Series {
  const color = paint(s.color)
  const base: uPlot.Series = {
    label: s.label,
    scale: s.axis ?? 'left',
    stroke: color,
    width: 2,
    points: { show: false },
    spanGaps: false,
  }
  if (s.kind === 'bars') {
    const fills = () => (now()?.values ?? []).map((_, i) => color + (now()?.pale?.[i] ? '66' : 'e6'))
    return {
      ...base,
      width: 0,
      fill: color,
      paths: uPlot.paths.bars?.({
        size: [0.72, 56],
        radius: 0.15,
        disp: { fill: { unit: 3, values: fills } },
      }),
    }
  }
  return { ...base, fill: s.fill ? color + '22' : undefined, paths: uPlot.paths.linear?.() }
}

function axis(paint: (c: string) => string, o: uPlot.Axis): uPlot.Axis {
  const lines = { stroke: paint('var(--line)'), width: 1 }
  return {
    stroke: paint('var(--ink-2)'),
    font: "12px 'Inter Variable', system-ui, sans-serif",
    grid: lines,
    ticks: { show: false },
    ...o,
  }
}

const label = (series: Series[], side: 'left' | 'right', v: number) =>
  series.find((s) => (s.axis ?? 'left') === side)?.format(v, true) ?? String(v)

/** From half a bar before the first to half a bar after the last, and never so little that one bar fills the chart. */
function aroundBars(u: uPlot, half: number): [number, number] {
  const first = u.data[0][0] ?? 0
  const last = u.data[0].at(-1) ?? first
  const missing = Math.max(0, LEAST_BARS * 2 * half - (last - first + 2 * half))
  return [first - half, last + half + missing]
}

/** Room for the widest label, in CSS pixels. */
function axisSize(u: uPlot, values: string[] | null): number {
  if (!values?.length) return 50
  u.ctx.font = `${12 * devicePixelRatio}px 'Inter Variable', system-ui, sans-serif`
  const widest = Math.max(...values.map((v) => u.ctx.measureText(v).width))
  return Math.ceil(widest / devicePixelRatio) + 16
}

const LEAST_BARS = 4

/** From nothing, or the lowest value below it, to a little above the highest. */
export function ends(min: number | null, max: number | null, s: Pick<Series, 'max' | 'least'> | undefined): [number, number] {
  const low = Math.min((min ?? 0) * 1.1, 0)
  return [low, s?.max ?? Math.max((max ?? 0) * 1.1, low < 0 ? 0 : (s?.least ?? 1))]
}

function timeLabels(splits: number[], locale: string, zone?: string): string[] {
  const span = (splits.at(-1) ?? 0) - (splits[0] ?? 0)
  const step = splits.length > 1 ? (splits[1] ?? 0) - (splits[0] ?? 0) : 60
  const o: Intl.DateTimeFormatOptions =
    span > 2 * 86_400 ? { day: 'numeric', month: 'short' } : step < 60 ? { timeStyle: 'medium' } : { timeStyle: 'short' }
  const f = new Intl.DateTimeFormat(locale, { ...o, timeZone: zone })
  return splits.map((s) => f.format(s * 1000))
}

/** The wall clock of a zone as a Date, which is how uPlot places its ticks. */
function zoned(ts: number, zone: string): Date {
  return uPlot.tzDate(new Date(ts * 1000), zone)
}

/** A canvas cannot read CSS variables, and wants #rrggbb to which an alpha can be added. */
function resolve(host: HTMLElement, color: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(color)?.[1]
  return name ? getComputedStyle(host).getPropertyValue(name).trim() || '#888888' : color
}
