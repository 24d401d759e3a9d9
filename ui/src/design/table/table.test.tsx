import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it, vi } from 'vitest'
import { show } from '../../testing/render'
import { DataTable } from './DataTable'
import { toApi } from './FilterMenu'
import { filterKey, listParams, merged, nextSort, parseFilterKey } from './state'
import type { Column } from './types'
import { visibleRows } from './useWindowRows'

describe('state', () => {
  it('reads an address', () => {
    expect(listParams({ status: 'active', next: '/x', q: '' }, '-at')).toEqual({ status: 'active', sort: '-at' })
    expect(listParams({ sort: 'id' }, '-at')).toEqual({ sort: 'id' })
    expect(listParams({}, '')).toEqual({})
  })
  it('parses and writes filter names', () => {
    for (const [key, field, op] of [
      ['status', 'status', 'eq'],
      ['energy_wh[gte]', 'energy_wh', 'gte'],
    ] as const) {
      expect(parseFilterKey(key)).toEqual({ field, op })
      expect(filterKey(field, op)).toBe(key)
    }
  })
  it('sorts up, down, and back to the list’s own order', () => {
    expect([nextSort('', 'id'), nextSort('id', 'id'), nextSort('-id', 'id'), nextSort('name', 'id')]).toEqual(['id', '-id', undefined, 'id'])
  })
  it('drops emptied filters', () => {
    expect(merged({ a: '1', b: '2' }, { a: undefined, b: '3' })).toEqual({ b: '3' })
  })
})

it('toApi speaks the API’s units', () => {
  expect(toApi({ field: 'energy_wh', label: '', kind: 'number', unit: { label: 'kWh', factor: 1000 } }, '1.5')).toBe('1500')
  expect(toApi({ field: 'at', label: '', kind: 'time' }, '2026-01-01T10:00')).toBe(new Date(2026, 0, 1, 10).toISOString())
  expect(toApi({ field: 'x', label: '', kind: 'text' }, 'a')).toBe('a')
})

it('visibleRows covers the viewport at every place, and never leaves the table', () => {
  for (let top = 500; top > -60_000; top -= 777) {
    const { start, end } = visibleRows(top, 900, 1000, 45)
    expect(start).toBeGreaterThanOrEqual(0)
    expect(end).toBeLessThanOrEqual(1000)
    const firstSeen = Math.max(0, Math.min(999, Math.floor(-top / 45)))
    const lastSeen = Math.max(0, Math.min(999, Math.floor((900 - top) / 45)))
    if (top < 900 && top > -45_000) {
      expect(start).toBeLessThanOrEqual(firstSeen)
      expect(end).toBeGreaterThan(lastSeen)
    }
    expect(end - start).toBeLessThan(80)
  }
})

describe('DataTable', () => {
  const columns: Column<{ id: string; n: number }>[] = [
    { id: 'id', header: 'Name', sort: 'id', cell: (r) => <a href="#x">{r.id}</a> },
    { id: 'n', header: 'Number', align: 'right', cell: (r) => r.n },
  ]
  const rows = [
    { id: 'b', n: 2 },
    { id: 'a', n: 1 },
  ]

  it('says how it is sorted and asks for another order', async () => {
    const onSort = vi.fn()
    await show(<DataTable label="Things" rows={rows} columns={columns} rowKey={(r) => r.id} sort="-id" onSort={onSort} />)
    const table = screen.getByRole('table', { name: 'Things' })
    expect(within(table).getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort')).toBe('descending')
    await userEvent.click(within(table).getByRole('button', { name: 'Name' }))
    expect(onSort).toHaveBeenCalledWith(undefined)
  })

  it('opens a row by a click on it, not by one on a link in it', async () => {
    const onOpen = vi.fn()
    await show(<DataTable label="Things" rows={rows} columns={columns} rowKey={(r) => r.id} onOpen={onOpen} />)
    await userEvent.click(screen.getByRole('link', { name: 'b' }))
    expect(onOpen).not.toHaveBeenCalled()
    await userEvent.click(screen.getByText('2'))
    expect(onOpen).toHaveBeenCalledWith(rows[0])
  })

  it('shows what is empty, and draws few of many rows', async () => {
    const { unmount } = await show(<DataTable label="Things" rows={[]} columns={columns} rowKey={(r) => r.id} empty={<p>nothing</p>} />)
    expect(screen.getByText('nothing')).toBeTruthy()
    unmount()
    const many = Array.from({ length: 5000 }, (_, n) => ({ id: `r${n}`, n }))
    await show(<DataTable label="Many" rows={many} columns={columns} rowKey={(r) => r.id} />)
    expect(screen.getByRole('table').getAttribute('aria-rowcount')).toBe('5001')
    expect(screen.getAllByRole('link').length).toBeLessThan(200)
  })
})
