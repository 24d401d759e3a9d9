import { expect, it } from 'vitest'
import { spread } from './points'

const at = (h: number) => `2026-01-01T0${h}:00:00Z`

it('leaves a gap where an interval is missing', () => {
  const s = spread([{ start: at(2), price: 3 }, { start: at(0), price: 1 }], 60)
  expect(s.values).toEqual([1, null, 3])
  expect(s.gaps).toBe(1)
  expect(s.times[0]).toBe(Date.parse('2026-01-01T00:30:00Z'))
})

it('is empty without prices', () => {
  expect(spread([], 15)).toEqual({ times: [], values: [], gaps: 0 })
})
