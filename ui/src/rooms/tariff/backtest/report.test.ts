import { expect, it } from 'vitest'
import { decimal, growth, histogram } from './report'

it('writes millionths as decimals', () => {
  expect([1_500_000, -20_000, 0, 12].map(decimal)).toEqual(['1.500000', '-0.020000', '0.000000', '0.000012'])
})

it('compares what came in', () => {
  const tally = { sessions: 1, energy_mwh: 0, plugged_seconds: 0, before_excl_micros: 200, after_excl_micros: 150, before_incl_micros: 0, after_incl_micros: 0, dearer: 0, cheaper: 1, same: 0 }
  expect(growth(tally)).toBe(-25)
  expect(growth({ ...tally, before_excl_micros: 0 })).toBeUndefined()
})

it('cuts the empty ends of the histogram off', () => {
  const buckets = [0, 2, 0, 1, 0].map((sessions) => ({ sessions }))
  expect(histogram({ histogram: buckets } as never).map((b) => b.sessions)).toEqual([2, 0, 1])
  expect(histogram({ histogram: [{ sessions: 0 }] } as never)).toEqual([])
})
