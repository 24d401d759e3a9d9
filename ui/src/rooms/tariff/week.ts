import type { WeekGrid } from '../../api'

/** A stretch of slots of one day with one price. */
export interface Run {
  from: number
  to: number
  price: string
  element: number
  mixed: boolean
}

/** A day's slots, those that follow each other at the same price as one. */
export function runs(prices: string[], elements: number[], mixed: boolean[] = []): Run[] {
  const out: Run[] = []
  prices.forEach((price, i) => {
    const last = out.at(-1)
    const element = elements[i] ?? -1
    const changes = mixed[i] ?? false
    if (last && last.price === price && last.element === element && last.mixed === changes) last.to = i + 1
    else out.push({ from: i, to: i + 1, price, element, mixed: changes })
  })
  return out
}

/** The different prices of a grid, cheapest first. What nothing prices is left out. */
export function levels(grid: WeekGrid): string[] {
  const found = new Set(grid.prices.flatMap((row, d) => row.filter((_, i) => (grid.elements[d]?.[i] ?? -1) >= 0)))
  return [...found].sort((a, b) => Number(a) - Number(b))
}

/** How strong the colour of a price is, 0 to 1: by rank, so that few prices are well apart. */
export function strength(all: string[], price: string): number {
  const at = all.indexOf(price)
  if (at < 0) return 0
  return all.length === 1 ? 0.45 : 0.16 + (0.84 * at) / (all.length - 1)
}

/** Minutes since midnight as the clock shows them. */
export const clock = (minutes: number) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
