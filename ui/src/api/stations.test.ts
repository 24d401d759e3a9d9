import { QueryClient, type InfiniteData } from '@tanstack/react-query'
import { describe, expect, it } from 'vitest'
import { allKey, listKey, oneKey } from './hooks'
import { serve } from '../testing/serve'
import { applyEvents, replaceStations, stationPath, STATIONS, withLive } from './stations'
import { evse, station } from '../testing/things'
import type { Page, Station } from './types'

const charging = (id: string, more: Partial<Station> = {}) =>
  station(id, {
    status: 'charging',
    evses: [evse({ status: 'charging', session_id: 's', power_w: 11_000, connectors: [{ id: 1, type: 'sType2' }] })],
    ...more,
  })

describe('withLive', () => {
  const since = '2026-01-01T00:00:30Z'
  const live = { online: true, status: 'finishing' as const, evses: [{ id: 1, status: 'finishing' as const, status_since: since }] }

  it('takes over what moved and keeps what did not', () => {
    const next = withLive(charging('A'), live, '2026-01-01T00:01:00Z')
    expect(next?.evses[0]).toMatchObject({ status: 'finishing', status_since: since, connectors: [{ id: 1, type: 'sType2' }] })
    expect(next?.evses[0]?.session_id).toBeUndefined()
    expect(next?.evses[0]?.power_w).toBeUndefined()
    expect(next?.last_seen_at).toBe('2026-01-01T00:01:00Z')
  })

  it('does not call a station seen when it went offline', () => {
    expect(withLive(charging('A'), { ...live, online: false }, '2026-01-01T00:01:00Z')?.last_seen_at).toBe('2026-01-01T00:00:00Z')
  })

  it('gives up when the ports differ', () => {
    expect(withLive(charging('A'), { ...live, evses: [] })).toBeUndefined()
    expect(withLive(charging('A'), { ...live, evses: [{ id: 2, status: 'available', status_since: since }] })).toBeUndefined()
  })
})

it('replaceStations reaches every place a station is cached in, and no other row', () => {
  const client = new QueryClient()
  const [a, b] = [charging('A'), charging('B')]
  client.setQueryData(allKey(STATIONS, {}), [a, b])
  client.setQueryData(listKey(STATIONS, { sort: 'id' }), { pages: [{ items: [a] }, { items: [b] }], pageParams: [] })
  client.setQueryData(oneKey(stationPath('A')), a)
  replaceStations(client, new Map([['A', charging('A', { status: 'faulted' })]]))
  expect(client.getQueryData<Station[]>(allKey(STATIONS, {}))?.map((s) => s.status)).toEqual(['faulted', 'charging'])
  const pages = client.getQueryData<InfiniteData<Page<Station>>>(listKey(STATIONS, { sort: 'id' }))?.pages
  expect(pages?.[0]?.items[0]?.status).toBe('faulted')
  expect(pages?.[1]?.items[0]).toBe(b)
  expect(client.getQueryData<Station>(oneKey(stationPath('A')))?.status).toBe('faulted')
})

describe('applyEvents', () => {
  const signal = { kind: 'station.live', station: 'A', data: { online: true, status: 'faulted', evses: [{ id: 1, status: 'faulted', status_since: 'x' }] } }

  it('applies what a signal carries without asking', async () => {
    const asked = serve({})
    const client = new QueryClient()
    client.setQueryData(allKey(STATIONS, {}), [charging('A'), charging('B')])
    await applyEvents(client, new Map([['A', signal]]))
    expect(client.getQueryData<Station[]>(allKey(STATIONS, {}))?.map((s) => s.status)).toEqual(['faulted', 'charging'])
    expect(asked).toEqual([])
  })

  it('asks once for all that it cannot know', async () => {
    const asked = serve({ 'GET /charging-stations': { body: { items: [charging('A', { firmware_version: '2' })] } } })
    const client = new QueryClient()
    client.setQueryData(allKey(STATIONS, {}), [charging('A'), charging('B')])
    await applyEvents(client, new Map<string, 'read' | typeof signal>([['A', 'read'], ['B', 'read']]))
    expect(client.getQueryData<Station[]>(allKey(STATIONS, {}))?.[0]?.firmware_version).toBe('2')
    expect(asked.map((a) => a.query.get('id[in]'))).toEqual(['A,B'])
  })
})
