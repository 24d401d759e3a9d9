import { expect, it } from 'vitest'
import { differences } from './diff'

it('names what changed, came and went, by place', () => {
  const before = { id: 'a', version: 1, elements: [{ price: 0.4 }, { price: 1 }] }
  const after = { id: 'a', version: 2, elements: [{ price: 0.5, vat: 20 }] }
  expect(differences(before, after)).toEqual([
    { path: 'elements[1].price', before: '0.4', after: '0.5' },
    { path: 'elements[2].price', before: '1', after: undefined },
    { path: 'elements[1].vat', before: undefined, after: '20' },
  ])
})

it('finds nothing between a document and itself', () => {
  expect(differences({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toEqual([])
})
