import { expect, it } from 'vitest'
import { clock, levels, runs, strength } from './week'

it('makes one stretch of slots that cost the same', () => {
  expect(runs(['1', '1', '2', '1'], [0, 0, 1, 0])).toEqual([
    { from: 0, to: 2, price: '1', element: 0, mixed: false },
    { from: 2, to: 3, price: '2', element: 1, mixed: false },
    { from: 3, to: 4, price: '1', element: 0, mixed: false },
  ])
  expect(runs(['1', '1'], [0, 0], [false, true])).toHaveLength(2)
})

it('orders prices as numbers and leaves out what nothing prices', () => {
  const grid = { dimension: 'ENERGY' as const, prices: [['10', '9.5', '0']], elements: [[0, 1, -1]] }
  expect(levels(grid)).toEqual(['9.5', '10'])
})

it('colours by rank', () => {
  expect(strength(['1'], '1')).toBe(0.45)
  expect(strength(['1', '2', '9'], '9')).toBe(1)
  expect(strength(['1', '2', '9'], '3')).toBe(0)
})

it('writes the clock', () => {
  expect([0, 75, 1440].map(clock)).toEqual(['00:00', '01:15', '24:00'])
})
