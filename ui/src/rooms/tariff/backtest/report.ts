import type { BacktestReport, Tally } from '../../../api'

/** Money in millionths as the decimal text it stands for. */
export function decimal(micros: number): string {
  const sign = micros < 0 ? '-' : ''
  const n = Math.abs(Math.round(micros))
  return `${sign}${Math.floor(n / 1e6)}.${String(n % 1e6).padStart(6, '0')}`
}

/** By how many per cent the candidate brings in more, or less; undefined where nothing came in before. */
export const growth = (t: Tally) => (t.before_excl_micros === 0 ? undefined : (100 * (t.after_excl_micros - t.before_excl_micros)) / t.before_excl_micros)

/** The buckets that hold something, and those between them. */
export function histogram(report: BacktestReport): BacktestReport['histogram'] {
  const used = report.histogram.map((b) => b.sessions > 0)
  const [first, last] = [used.indexOf(true), used.lastIndexOf(true)]
  return first < 0 ? [] : report.histogram.slice(first, last + 1)
}
