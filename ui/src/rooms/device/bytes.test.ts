import { expect, it } from 'vitest'
import { bytes } from './bytes'

it('writes sizes as people read them', () => {
  expect([0, 999, 1000, 1_234_567, 5e15, undefined].map((n) => bytes(n, 'en'))).toEqual(['0\u00a0B', '999\u00a0B', '1\u00a0kB', '1.2\u00a0MB', '5,000\u00a0TB', '–'])
})
