import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Empty, Failed } from '../States'
import { IconSearch } from '../icons'
import { DataTable } from './DataTable'
import { Toolbar } from './Toolbar'
import type { Column, Export, FilterDef, Listed, ListState } from './types'
import { useColumns } from './useColumns'

interface Props<T> {
  /** Names the list in this browser's storage. */
  name: string
  label: string
  list: Listed<T>
  state: ListState
  columns: Column<T>[]
  rowKey: (row: T) => string
  filters?: FilterDef[]
  search?: { param: string; placeholder: string }
  onOpen?: (row: T) => void
  /** Shown when there is nothing at all, not merely nothing that matches. */
  empty: ReactNode
  extra?: ReactNode
  /** Further files that hold these rows. */
  exports?: Export[]
  /** Leave out the export where it makes no sense. */
  noCsv?: boolean
}

/** The one way a list looks: search, filters, columns, export, order, further pages. */
export function ListView<T>(p: Props<T>) {
  const { t } = useTranslation()
  const columns = useColumns(p.name, p.columns)
  const filtered = Object.keys(p.state.params).some((k) => k !== 'sort')
  // Rows of the last answer stay up when a filter changes; they are not "nothing at all".
  const bare = !filtered && !p.list.loading && !p.list.fetching && p.list.rows.length === 0 && !p.list.problem
  if (bare) return <>{p.empty}</>
  return (
    <>
      <Toolbar
        state={p.state}
        filters={p.filters ?? []}
        search={p.search}
        columns={columns}
        csv={p.noCsv ? undefined : p.list.csv}
        exports={[{ label: 'Excel (XLSX)', href: p.list.xlsx }, ...(p.exports ?? [])]}
        extra={p.extra}
      />
      {p.list.problem ? (
        <Failed problem={p.list.problem} retry={p.list.retry} />
      ) : (
        <DataTable
          label={p.label}
          rows={p.list.rows}
          columns={columns.shown}
          rowKey={p.rowKey}
          loading={p.list.loading}
          sort={p.state.sort}
          onSort={(sort) => p.state.set({ sort })}
          onOpen={p.onOpen}
          hasMore={p.list.hasMore}
          more={p.list.more}
          empty={<Empty icon={<IconSearch size={22} aria-hidden />} title={t('design.table.noMatch')}>{t('design.table.noMatchHint')}</Empty>}
        />
      )}
    </>
  )
}
