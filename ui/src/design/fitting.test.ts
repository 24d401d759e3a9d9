import { expect, it } from 'vitest'
import { fitting } from './fitting'

it('keeps all that fit, and leaves room for the button otherwise', () => {
  expect(fitting([100, 100, 100], 300)).toBe(3)
  expect(fitting([100, 100, 100], 299)).toBe(1)
  expect(fitting([100, 100, 100, 100], 390)).toBe(2)
})

it('shows at least one, and all before anything is drawn', () => {
  expect(fitting([400, 400], 200)).toBe(1)
  expect(fitting([400, 400], 0)).toBe(2)
})
