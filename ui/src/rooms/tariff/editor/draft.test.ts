import { expect, it } from 'vitest'
import { cleaned, moved, readTariff } from './draft'

const element = { price_components: [{ type: 'ENERGY' as const, price: 0, step_size: 1 }] }

it('sends what is filled in, zero included', () => {
  const draft = { id: 'a', currency: '', version: 3, summary: 'x', min_price: { excl_vat: undefined }, forecourt: { allowances: [], idle: {} }, elements: [{ ...element, restrictions: { day_of_week: [], max_kwh: 0 } }] }
  expect(cleaned(draft)).toEqual({ id: 'a', elements: [{ ...element, restrictions: { max_kwh: 0 } }] })
})

it('keeps a switch that is off apart from one that is not there', () => {
  expect(cleaned({ elements: [element], forecourt: { idle: { only_while_others_wait: false } } }).forecourt).toEqual({ idle: { only_while_others_wait: false } })
})

it('reads a tariff alone, in a list and from a partner’s answer', () => {
  const t = { id: 'a', elements: [element] }
  expect(readTariff(JSON.stringify(t))).toEqual(t)
  expect(readTariff(JSON.stringify([t]))).toEqual(t)
  expect(readTariff(JSON.stringify({ data: t, status_code: 1000 }))).toEqual(t)
  expect(readTariff('{"id":"a"}')).toBeUndefined()
  expect(readTariff('{')).toBeUndefined()
})

it('moves a place up and down, and not beyond the ends', () => {
  expect(moved([1, 2, 3], 0, 1)).toEqual([2, 1, 3])
  expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3])
})
