import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useFormat } from '../locale'
import css from './chart.module.css'
import { options } from './options'
import type { ChartProps } from './types'

export default function Plot({ label, times, series, zone, height = 220, barWidthMs }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const [at, setAt] = useState<number | null>(null)
  const scheme = useComputedColorScheme()
  const f = useFormat()
  const latest = useRef(series)
  latest.current = series
  // Rebuilt when the chart's make-up changes; new values only are set.
  const shape = JSON.stringify([series.map((s) => [s.label, s.color, s.kind, s.axis, s.max]), zone, height, barWidthMs, scheme, f.locale])

  useLayoutEffect(() => {
    const host = box.current
    if (!host) return
    const o = options({ host, series: () => latest.current, locale: f.locale, zone, height, barWidthMs, onCursor: setAt })
    const made = new uPlot(o, data(times, latest.current), host)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height }))
    resized.observe(host)
    return () => {
      resized.disconnect()
      made.destroy()
      plot.current = undefined
    }
    // times and values are set by the effect below.
  }, [shape])

  useEffect(() => {
    plot.current?.setData(data(times, series))
  }, [times, series])

  const shown = at !== null && at < times.length ? at : null
  return (
    <figure className={css.figure} role="img" aria-label={label}>
      <div className={css.legend} aria-hidden>
        {series.map((s) => (
          <span key={s.label} className={css.entry}>
            <i style={{ background: s.color }} />
            {s.label}
            {shown !== null && <b className="num">{valueAt(s.values[shown], s.format)}</b>}
          </span>
        ))}
        {shown !== null && <span className={`${css.when} num`}>{f.dateTime(new Date(times[shown] ?? 0).toISOString(), zone)}</span>}
      </div>
      <div ref={box} style={{ height }} />
    </figure>
  )
}

const valueAt = (v: number | null | undefined, format: (v: number) => string) => (v === null || v === undefined ? '–' : format(v))

function data(times: number[], series: ChartProps['series']): uPlot.AlignedData {
  return [times.map((t) => t / 1000), ...series.map((s) => s.values)] as uPlot.AlignedData
}
