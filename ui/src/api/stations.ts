import { useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef } from 'react'
import { get } from './client'
import { allKey, invalidate, listKey, oneKey, useAll } from './hooks'
import { RESUMED, useLive, usePollInterval } from './live'
import { useMay } from './session'
import type { Evse, EvseStatus, LiveEvent, Page, Site, Station } from './types'

export const STATIONS = '/charging-stations'
export const stationPath = (id: string) => `${STATIONS}/${encodeURIComponent(id)}`

const FLUSH_MS = 400
const MAX_PER_FLUSH = 100

/** Every station the caller may see, kept current by useStationUpdates. */
export function useFleet() {
  return useAll<Station>(STATIONS, {}, { refetchInterval: usePollInterval(120_000, 5_000), enabled: useMay('station.read') })
}

/** Every site the caller may see, and a look-up by id. */
export function useSites() {
  const { rows, ...rest } = useAll<Site>('/sites', {}, { staleTime: 60_000, enabled: useMay('site.read') })
  const byId = useMemo(() => new Map((rows ?? []).map((s) => [s.id, s])), [rows])
  return { ...rest, rows, byId }
}

/**
 * Keeps every cached station current from the event stream. What the live
 * signals of a short pause carry is applied at once; stations named by other
 * events are read again together. So a network that changes a thousand times
 * a second redraws the page twice.
 */
export function useStationUpdates() {
  const client = useQueryClient()
  const pending = useRef(new Map<string, LiveEvent | 'read'>())
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])

  useLive((e) => {
    if (e.kind === RESUMED) {
      void invalidate(client, [STATIONS])
      return
    }
    if (!e.station) return
    if (e.kind === STATION_LIVE) {
      if (pending.current.get(e.station) !== 'read') pending.current.set(e.station, e)
    } else {
      pending.current.set(e.station, 'read')
    }
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      const batch = pending.current
      pending.current = new Map()
      void applyEvents(client, batch)
    }, FLUSH_MS)
  })
}

/** Applies the newest event of each station: a live signal as it is, else ("read", or unknown here) by asking. */
export async function applyEvents(client: QueryClient, batch: Map<string, LiveEvent | 'read'>) {
  const known = new Map((client.getQueryData<Station[]>(allKey(STATIONS, {})) ?? []).map((s) => [s.id, s]))
  const fresh = new Map<string, Station>()
  const toRead: string[] = []
  for (const [id, what] of batch) {
    const cached = client.getQueryData<Station>(oneKey(stationPath(id))) ?? known.get(id)
    const next = what !== 'read' && cached ? withLive(cached, what.data as LiveStation, what.at) : undefined
    if (next) fresh.set(id, next)
    else toRead.push(id)
  }
  if (fresh.size > 0) replaceStations(client, fresh)
  if (toRead.length > 0) await refresh(client, toRead)
}

async function refresh(client: QueryClient, ids: string[]) {
  if (ids.length > MAX_PER_FLUSH) {
    await invalidate(client, [STATIONS])
    return
  }
  try {
    const page = await get<Page<Station>>(STATIONS, { 'id[in]': ids.join(','), limit: MAX_PER_FLUSH })
    const known = client.getQueryData<Station[]>(allKey(STATIONS, {}))
    if (known && page.items.some((s) => !known.find((k) => k.id === s.id))) {
      await invalidate(client, [STATIONS])
      return
    }
    replaceStations(client, new Map(page.items.map((s) => [s.id, s])))
  } catch {
    // The next event or poll tries again.
  }
}

/** Puts fresh rows in the place of cached ones. */
export function replaceStations(client: QueryClient, fresh: Map<string, Station>) {
  const swap = (rows: Station[]) =>
    rows.some((s) => fresh.has(s.id)) ? rows.map((s) => fresh.get(s.id) ?? s) : rows
  client.setQueryData<Station[]>(allKey(STATIONS, {}), (rows) => rows && swap(rows))
  client.setQueriesData<InfiniteData<Page<Station>>>({ queryKey: listKey(STATIONS) }, (data) =>
    data && { ...data, pages: data.pages.map((p) => ({ ...p, items: swap(p.items) })) },
  )
  for (const [id, s] of fresh) {
    client.setQueryData<Station>(oneKey(stationPath(id)), (old) => old && { ...old, ...s })
  }
}

/** The signal the server publishes after each change of a station. */
export const STATION_LIVE = 'station.live'

/** What that signal carries: the parts of a station that move. */
interface LiveStation {
  online: boolean
  status: EvseStatus
  evses?: Pick<Evse, 'id' | 'status' | 'status_since' | 'session_id' | 'power_w'>[]
}

/** A station with a signal applied; undefined when its ports are not those the station is known to have. */
export function withLive(s: Station, live: LiveStation, at?: string): Station | undefined {
  const ports = live.evses ?? []
  if (ports.length !== (s.evses ?? []).length) return undefined
  const evses: Evse[] = []
  for (const port of ports) {
    const known = s.evses?.find((x) => x.id === port.id)
    if (!known) return undefined
    evses.push({ ...known, session_id: undefined, power_w: undefined, ...port })
  }
  return { ...s, online: live.online, status: live.status, evses, last_seen_at: at && live.online ? at : s.last_seen_at }
}
