import { expect, it } from 'vitest'
import { cdr } from '../../testing/things'
import { costLines } from './cost'

it('prefers the lines that explain the price', () => {
  const lines = [{ kind: 'session' as const, dimension: 'ENERGY' as const, excl_vat: '1.00', incl_vat: '1.20', explanation: ['because'] }]
  expect(costLines(cdr({ explanation: { lines } }))).toBe(lines)
})

it('else reads the totals of the OCPI form, without those that are nothing', () => {
  const ocpi = { total_energy: 12.5, total_energy_cost: { excl_vat: 5, incl_vat: 6 }, total_time_cost: { excl_vat: 0 }, total_fixed_cost: { excl_vat: 1 } }
  expect(costLines(cdr({ ocpi }))).toEqual([
    { kind: 'fixed', quantity: undefined, unit: undefined, excl_vat: '1', incl_vat: '1' },
    { kind: 'energy', quantity: '12.5', unit: 'kWh', excl_vat: '5', incl_vat: '6' },
  ])
})

it('has none without either', () => {
  expect(costLines(cdr())).toEqual([])
})
