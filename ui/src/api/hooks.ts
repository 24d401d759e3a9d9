import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryClient,
  type QueryKey,
} from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { exportUrl, get, getAll, type Params } from './client'
import { RESUMED, useLive } from './live'
import { asProblem, type Problem } from './problem'
import type { LiveEvent, Page } from './types'

// Cache keys: ['list', path, params] pages of a list, ['all', path, params]
// every row of one, ['one', path] a single thing.

export const listKey = (path: string, params?: Params): QueryKey => (params ? ['list', path, params] : ['list', path])
export const allKey = (path: string, params?: Params): QueryKey => (params ? ['all', path, params] : ['all', path])
export const oneKey = (path: string): QueryKey => ['one', path]

/** A list as a table needs it. */
export interface ListResult<T> {
  rows: T[]
  loading: boolean
  fetching: boolean
  problem?: Problem
  hasMore: boolean
  more: () => void
  retry: () => void
  csv: string
  xlsx: string
}

interface ListOptions {
  limit?: number
  refetchInterval?: number | false
  enabled?: boolean
}

export function useList<T>(path: string, params: Params = {}, o: ListOptions = {}): ListResult<T> {
  const limit = o.limit ?? 100
  const q = useInfiniteQuery({
    queryKey: listKey(path, params),
    queryFn: ({ pageParam, signal }) => get<Page<T>>(path, { ...params, limit, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
    refetchInterval: o.refetchInterval,
    enabled: o.enabled,
  })
  return {
    rows: q.data?.pages.flatMap((p) => p.items) ?? [],
    loading: q.isPending,
    fetching: q.isFetching,
    problem: q.error ? asProblem(q.error) : undefined,
    hasMore: q.hasNextPage,
    more: () => {
      if (!q.isFetchingNextPage) void q.fetchNextPage()
    },
    retry: () => void q.refetch(),
    csv: exportUrl(path, params, 'csv'),
    xlsx: exportUrl(path, params, 'xlsx'),
  }
}

interface OneOptions {
  refetchInterval?: number | false
  enabled?: boolean
}

export function useOne<T>(path: string, o: OneOptions = {}) {
  const q = useQuery({ queryKey: oneKey(path), queryFn: ({ signal }) => get<T>(path, undefined, signal), ...o })
  return { data: q.data, loading: q.isPending, problem: q.error ? asProblem(q.error) : undefined, retry: () => void q.refetch() }
}

interface AllOptions extends OneOptions {
  max?: number
  staleTime?: number
}

/** Every row of a list, for a map, a picker or a chart; bounded by max. */
export function useAll<T>(path: string, params: Params = {}, { max, ...o }: AllOptions = {}) {
  const q = useQuery({
    queryKey: allKey(path, params),
    queryFn: ({ signal }) => getAll<T>(path, params, max, signal),
    ...o,
  })
  return { rows: q.data, loading: q.isPending, problem: q.error ? asProblem(q.error) : undefined, retry: () => void q.refetch() }
}

/** A change, after which everything read below the given paths is read again. */
export function useChange<I, O>(fn: (input: I) => Promise<O>, paths: string[] = []) {
  const client = useQueryClient()
  const m = useMutation({ mutationFn: fn, onSuccess: () => invalidate(client, paths) })
  return {
    run: m.mutateAsync,
    busy: m.isPending,
    problem: m.error ? asProblem(m.error) : undefined,
    result: m.data,
    reset: m.reset,
  }
}

export function invalidate(client: QueryClient, paths: string[]) {
  return client.invalidateQueries({
    predicate: ({ queryKey }) => paths.some((p) => String(queryKey[1] ?? '').startsWith(p)),
  })
}

/** Reads the given paths again when a matching event arrives, at most once per pause. */
export function useRefreshOn(matches: (e: LiveEvent) => boolean, paths: string[], pauseMs = 1000) {
  const client = useQueryClient()
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  useLive((e) => {
    if (timer.current || (e.kind !== RESUMED && !matches(e))) return
    timer.current = setTimeout(() => {
      timer.current = undefined
      void invalidate(client, paths)
    }, pauseMs)
  })
}
