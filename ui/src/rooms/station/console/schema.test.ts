import { describe, expect, it } from 'vitest'
import { emptyOf, fieldsOf, kindOf, removeAt, setAt, shownFields, type Schema } from './schema'
import { pathText, validate } from './validate'

const schema: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'items'],
  properties: {
    customData: { type: 'object', required: ['vendorId'], properties: { vendorId: { type: 'string', maxLength: 4 } } },
    evseId: { type: 'integer', minimum: 0 },
    evse: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
    at: { type: 'string', format: 'date-time' },
    items: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 3 } } } },
    type: { type: 'string', enum: ['A', 'B'] },
    data: {},
  },
}

describe('a form', () => {
  it('has what is required first and the vendor’s own last', () => {
    expect(fieldsOf(schema).map((f) => f.name)).toEqual(['type', 'items', 'evseId', 'at', 'evse', 'data', 'customData'])
    expect(shownFields(schema, { evse: {} }, true).shown.map((f) => f.name)).toEqual(['type', 'items', 'evseId', 'at', 'evse'])
    expect(shownFields(schema, {}, false).more.map((f) => f.name)).toEqual(['evseId', 'at', 'evse', 'data', 'customData'])
  })

  it('knows the kinds', () => {
    expect(fieldsOf(schema).map((f) => kindOf(f.schema))).toEqual(['choice', 'list', 'integer', 'instant', 'object', 'any', 'object'])
  })

  it('begins a part with as little as is allowed', () => {
    expect(emptyOf(schema)).toEqual({ items: [{}] })
  })

  it('changes and removes deep inside without touching the rest', () => {
    const before = { items: [{ name: 'x' }, { name: 'y' }], type: 'A' }
    expect(setAt(before, ['items', 1, 'name'], 'z')).toEqual({ items: [{ name: 'x' }, { name: 'z' }], type: 'A' })
    expect(setAt(before, ['type'], undefined)).toEqual({ items: before.items })
    expect(removeAt(before, ['items', 0])).toEqual({ items: [{ name: 'y' }], type: 'A' })
    expect(before.items).toHaveLength(2)
  })
})

describe('validation', () => {
  const codes = (v: unknown) => validate(schema, v).map((f) => `${pathText(f.path)} ${f.code}${f.limit ? ` ${f.limit}` : ''}`)

  it('lets through what fits', () => {
    expect(codes({ type: 'A', items: [{ name: 'abc' }], evseId: 0, at: '2026-01-01T00:00:00Z', data: [1, 'x'] })).toEqual([])
  })

  it('names every place that does not', () => {
    expect(codes({ type: 'C', items: [], evseId: -1, evse: { id: 1.5 }, at: 'now', customData: { vendorId: 'long one' }, other: 1 })).toEqual([
      'type choice A, B',
      'items few 1',
      'evseId least 0',
      'evse.id type integer',
      'at instant',
      'customData.vendorId long 4',
      'other unknown',
    ])
    expect(codes({ items: [{ name: 'a' }, {}, { name: 1 }] })).toEqual(['type required', 'items many 2', 'items[1].name required', 'items[2].name type string'])
    expect(codes('text')).toEqual([' type object'])
  })
})
