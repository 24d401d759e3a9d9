import type { ReactNode } from 'react'
import type { ProblemLike } from '../States'

export interface Column<T> {
  id: string
  header: string
  cell: (row: T) => ReactNode
  /** The API's field to sort by; without it the column does not sort. */
  sort?: string
  align?: 'right'
  width?: number | string
  /** Not shown until the user asks for it. */
  hidden?: boolean
  /** On a phone each row is a card: the lead heads it, "no" stays out of it. */
  card?: 'lead' | 'badge' | 'no'
}

export type FilterKind = 'text' | 'enum' | 'bool' | 'number' | 'time'

export interface FilterDef {
  /** The API's field. */
  field: string
  label: string
  kind: FilterKind
  options?: { value: string; label: string }[]
  /** Shown unit and how many of the API's units it is: kWh, 1000. */
  unit?: { label: string; factor: number }
}

/** A file that the rows of a list can be downloaded as. */
export interface Export {
  label: string
  href: string
}

/** Filters and order as they go into the query string: {"status[in]": "a,b", sort: "-at"}. */
export type ListParams = Record<string, string>

export interface ListState {
  params: ListParams
  set: (change: Record<string, string | undefined>) => void
  sort: string
}

/** Rows page by page, as api.useList returns them. */
export interface Listed<T> {
  rows: T[]
  loading: boolean
  fetching: boolean
  problem?: ProblemLike
  hasMore: boolean
  more: () => void
  retry: () => void
  csv: string
  xlsx: string
}
