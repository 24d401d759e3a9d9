import { expect, it } from 'vitest'
import type { StorageItem } from '../../api'
import { fold, kept, sorted } from './storage'

const item = (name: string, more: Partial<StorageItem> = {}): StorageItem => ({ name, tables: [], rows: 0, bytes: 0, ...more })

it('sorts both ways, with what has no value last', () => {
  const items = [item('a', { keep_days: 1 }), item('b'), item('c', { keep_days: 9 })]
  expect(sorted(items, 'keep_days').map((i) => i.name)).toEqual(['a', 'c', 'b'])
  expect(sorted(items, '-keep_days').map((i) => i.name)).toEqual(['c', 'a', 'b'])
  expect(sorted(items, undefined)).toBe(items)
})

it('tells for ever from as long as needed', () => {
  expect(kept(item('a', { keep_days: 0, setting: 'x' }))).toEqual({ kind: 'days', days: 0 })
  expect(kept(item('a', { setting: 'x' }))).toEqual({ kind: 'ever' })
  expect(kept(item('a'))).toEqual({ kind: 'needed' })
})

it('counts small tables together and keeps the rest', () => {
  const table = (name: string, bytes: number) => item(name, { tables: [name], bytes, rows: 1 })
  const items = [item('messages', { bytes: 1000, tables: ['message_log'] }), table('cdr', 500), table('x', 1), table('y', 2)]
  expect(fold(items).map((i) => [i.name, i.bytes, i.rows])).toEqual([['messages', 1000, 0], ['cdr', 500, 1], ['other tables', 3, 2]])
  expect(fold(items.slice(0, 3))).toHaveLength(3)
})
