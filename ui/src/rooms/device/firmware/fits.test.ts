import { expect, it } from 'vitest'
import { fits } from './fits'

it('knows for which stations an image is', () => {
  const s = { vendor: 'Alder Electric', model: 'Kerb 22' }
  expect(fits({}, s)).toBe(true)
  expect(fits({ vendor: 'alder*' }, s)).toBe(true)
  expect(fits({ vendor: 'Alder Electric', model: 'Kerb' }, s)).toBe(false)
  expect(fits({ model: 'kerb *' }, s)).toBe(true)
  expect(fits({ vendor: 'Ald.*' }, s)).toBe(false)
  expect(fits({ vendor: 'x' }, {})).toBe(false)
})
