import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { ListParams, ListState } from './types'

/** Parameters of the page's address that are not a list's. */
const RESERVED = new Set(['next', 'site_focus'])

/** A list's filters and order kept in the page's address, so that a link shows the same rows. */
export function useUrlListState(defaultSort: string): ListState {
  const search = useSearch({ strict: false }) as ListParams
  const navigate = useNavigate()
  const params = useMemo(() => listParams(search, defaultSort), [search, defaultSort])
  return {
    params,
    sort: params.sort ?? '',
    set: (change) =>
      void navigate({ to: '.', search: ((old: ListParams) => merged(old, change)) as never, replace: true, resetScroll: false }),
  }
}

/** The same, kept in the component: for a list that is one of several on its page. */
export function useLocalListState(defaultSort: string, initial: ListParams = {}): ListState {
  const [own, setOwn] = useState<ListParams>(initial)
  const params = useMemo(() => listParams(own, defaultSort), [own, defaultSort])
  return { params, sort: params.sort ?? '', set: (change) => setOwn((old) => merged(old, change)) }
}

export function listParams(search: ListParams, defaultSort: string): ListParams {
  const out: ListParams = {}
  for (const [k, v] of Object.entries(search)) {
    if (!RESERVED.has(k) && typeof v === 'string' && v !== '') out[k] = v
  }
  out.sort ??= defaultSort
  if (out.sort === '') delete out.sort
  return out
}

export function merged(old: ListParams, change: Record<string, string | undefined>): ListParams {
  const next = { ...old }
  for (const [k, v] of Object.entries(change)) {
    if (v === undefined || v === '') delete next[k]
    else next[k] = v
  }
  return next
}

/** "status[in]" → field and operator; a bare name means equality. */
export function parseFilterKey(key: string): { field: string; op: string } {
  const m = /^([^[\]]+)\[([a-z]+)\]$/.exec(key)
  return m ? { field: m[1] ?? '', op: m[2] ?? '' } : { field: key, op: 'eq' }
}

export const filterKey = (field: string, op: string) => (op === 'eq' ? field : `${field}[${op}]`)

/** What a click on a heading asks for: up, then down, then the list's own order. */
export function nextSort(current: string, field: string): string | undefined {
  if (current === field) return `-${field}`
  if (current === `-${field}`) return undefined
  return field
}
