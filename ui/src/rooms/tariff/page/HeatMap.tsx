import { SegmentedControl } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useRef, useState, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import type { Week, WeekGrid } from '../../../api'
import { NARROW as PHONE, Quiet, useFormat } from '../../../design'
import { clock, levels, runs, strength } from '../week'
import { dayName, exact } from '../words'
import chart from '../chart.module.css'
import css from '../tariff.module.css'

const LEFT = 44
const TOP = 20
const HEIGHT = 30
/** Width of an hour: with room, and beside a form. */
const WIDE = 30
const NARROW = 15
const GAP = 2
const HOURS = [0, 3, 6, 9, 12, 15, 18, 21, 24]
const SHOWN_LEVELS = 8

/** The prices of a week: a row a day, a column an hour, one dimension at a time. */
export function HeatMap({ week, narrow }: { week: Week; narrow?: boolean }) {
  const { t } = useTranslation()
  const [chosen, setChosen] = useState<string>()
  const phone = useMediaQuery(PHONE)
  const grid = week.dimensions.find((d) => d.dimension === chosen) ?? week.dimensions[0]
  if (!grid) return <Quiet>{t('tariff.week.none')}</Quiet>
  return (
    <div data-testid="heat-map">
      {week.dimensions.length > 1 && (
        <SegmentedControl
          size="xs"
          mb={12}
          aria-label={t('tariff.week.dimension')}
          value={grid.dimension}
          onChange={setChosen}
          data={week.dimensions.map((d) => ({ value: d.dimension, label: t(`tariff.dimension.${d.dimension}`) }))}
        />
      )}
      <Grid key={grid.dimension} week={week} grid={grid} hour={narrow || phone ? NARROW : WIDE} />
    </div>
  )
}

function Grid({ week, grid, hour }: { week: Week; grid: WeekGrid; hour: number }) {
  const { t } = useTranslation()
  const f = useFormat()
  const [at, setAt] = useState<[number, number]>()
  const svg = useRef<SVGSVGElement>(null)
  const slots = grid.prices[0]?.length ?? 0
  const perHour = 60 / week.slot_minutes
  const width = hour / perHour
  const all = levels(grid)
  const said = (d: number, s: number) => {
    const free = (grid.elements[d]?.[s] ?? -1) < 0
    const price = free ? t('tariff.week.free') : t(`tariff.per.${grid.dimension}`, { price: exact(f.locale, grid.prices[d]?.[s] ?? '0', week.currency) })
    const text = t('tariff.week.cell', { day: dayName(f.locale, d % 7, 'long'), from: clock(s * week.slot_minutes), to: clock((s + 1) * week.slot_minutes), price })
    return grid.mixed?.[d]?.[s] ? `${text} ${t('tariff.week.mixed')}` : text
  }
  const move = (e: KeyboardEvent) => {
    const step: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -slots], End: [0, slots] }
    const by = step[e.key]
    if (!by) return
    e.preventDefault()
    const [d, s] = at ?? [0, 0]
    const next: [number, number] = [clamp(d + by[0], grid.prices.length), clamp(s + by[1], slots)]
    setAt(next)
    svg.current?.querySelector<SVGElement>(`[data-cell="${next.join('-')}"]`)?.focus()
  }
  const current = at ?? [0, 0]
  const box = { width: LEFT + slots * width, height: TOP + grid.prices.length * HEIGHT }
  return (
    <>
      <div className={css.scroll}>
        <svg ref={svg} viewBox={`0 0 ${box.width} ${box.height}`} className={chart.week} data-narrow={hour === NARROW || undefined} role="grid" aria-label={t('tariff.week.label', { dimension: t(`tariff.dimension.${grid.dimension}`) })} onKeyDown={move}>
          {HOURS.filter((h) => hour === WIDE || h % 6 === 0).map((h) => (
            <text key={h} x={LEFT + h * hour} y={TOP - 7} textAnchor={h === 24 ? 'end' : h === 0 ? 'start' : 'middle'} aria-hidden>
              {clock(h * 60)}
            </text>
          ))}
          {grid.prices.map((row, d) => (
            <g key={d} role="row">
              <text x={0} y={TOP + d * HEIGHT + HEIGHT / 2 + 4} role="rowheader">
                {dayName(f.locale, d % 7)}
              </text>
              <Stretches grid={grid} day={d} width={width} />
              {row.map((_, s) => (
                <rect
                  key={s}
                  role="gridcell"
                  data-cell={`${d}-${s}`}
                  tabIndex={current[0] === d && current[1] === s ? 0 : -1}
                  aria-label={said(d, s)}
                  x={LEFT + s * width}
                  y={TOP + d * HEIGHT}
                  width={width}
                  height={HEIGHT - GAP}
                  fill="transparent"
                  onMouseEnter={() => setAt([d, s])}
                  onFocus={() => setAt([d, s])}
                />
              ))}
            </g>
          ))}
        </svg>
      </div>
      <p className={chart.said} aria-hidden>
        {at ? said(...at) : t('tariff.week.hint')}
      </p>
      <Legend all={all} grid={grid} currency={week.currency} />
    </>
  )
}

/** A day as it is seen: a bar for each stretch at one price, with the price in it, so that nothing is told by colour alone. */
function Stretches({ grid, day, width }: { grid: WeekGrid; day: number; width: number }) {
  const f = useFormat()
  const all = levels(grid)
  return (
    <g aria-hidden>
      {runs(grid.prices[day] ?? [], grid.elements[day] ?? [], grid.mixed?.[day]).map((r) => {
        const room = (r.to - r.from) * width - GAP
        const part = r.element < 0 ? 0 : strength(all, r.price)
        return (
          <g key={r.from}>
            <rect x={LEFT + r.from * width} y={TOP + day * HEIGHT} width={room} height={HEIGHT - GAP} rx={4} fill={fill(part)} />
            {r.element >= 0 && room >= 40 && (
              <text className={chart.cellText} x={LEFT + r.from * width + room / 2} y={TOP + day * HEIGHT + HEIGHT / 2 + 3} textAnchor="middle" data-strong={part > 0.5 || undefined}>
                {f.number(Number(r.price), decimals(r.price))}
              </text>
            )}
          </g>
        )
      })}
    </g>
  )
}

function Legend({ all, grid, currency }: { all: string[]; grid: WeekGrid; currency: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const free = grid.elements.some((row) => row.some((e) => e < 0))
  const shown = all.length <= SHOWN_LEVELS ? all : [all[0], all.at(-1)].filter((x) => x !== undefined)
  return (
    <ul className={chart.legend} aria-label={t('tariff.week.legend')}>
      {free && (
        <li>
          <span className={chart.swatch} style={{ background: fill(0) }} aria-hidden />
          {t('tariff.week.free')}
        </li>
      )}
      {shown.map((price) => (
        <li key={price}>
          <span className={chart.swatch} style={{ background: fill(strength(all, price)) }} aria-hidden />
          {t(`tariff.per.${grid.dimension}`, { price: exact(f.locale, price, currency) })}
        </li>
      ))}
    </ul>
  )
}

const fill = (part: number) => (part === 0 ? 'var(--tone-idle-bg)' : `color-mix(in oklab, var(--heat) ${Math.round(part * 100)}%, var(--heat-base))`)
const clamp = (n: number, length: number) => Math.min(Math.max(n, 0), length - 1)
const decimals = (price: string) => Math.min(4, Math.max(2, (price.split('.')[1] ?? '').length))
