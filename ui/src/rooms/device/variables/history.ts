import type { PastValue } from '../../../api'

/** The values as a curve over time, oldest first; undefined where they are no numbers or there are too few. */
export function numbersOf(rows: PastValue[]): { times: number[]; values: number[] } | undefined {
  const points = rows.map((r) => [Date.parse(r.at), Number(r.value)] as const).reverse()
  if (points.length < 3 || rows.some((r) => r.value.trim() === '' || Number.isNaN(Number(r.value)))) return undefined
  return { times: points.map((p) => p[0]), values: points.map((p) => p[1]) }
}
