import type { SeriesPoints } from '../../../api'

/** Prices interval by interval over the whole span: null where the feed left a gap. */
export function spread(items: SeriesPoints['items'], minutes: number): { times: number[]; values: (number | null)[]; gaps: number } {
  const step = minutes * 60_000
  const known = new Map(items.map((p) => [Date.parse(p.start), p.price]))
  const starts = [...known.keys()]
  if (starts.length === 0) return { times: [], values: [], gaps: 0 }
  const [first, last] = [Math.min(...starts), Math.max(...starts)]
  const times: number[] = []
  for (let at = first; at <= last; at += step) times.push(at)
  const values = times.map((at) => known.get(at) ?? null)
  return { times: times.map((at) => at + step / 2), values, gaps: values.filter((v) => v === null).length }
}
