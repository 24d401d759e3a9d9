import { Button, Skeleton } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useEffect, useRef, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { IconArrowDown, IconArrowUp } from '../icons'
import { nextSort } from './state'
import css from './table.module.css'
import type { Column } from './types'
import { useWindowRows } from './useWindowRows'

interface Props<T> {
  label: string
  rows: T[]
  columns: Column<T>[]
  rowKey: (row: T) => string
  loading?: boolean
  sort?: string
  onSort?: (sort: string | undefined) => void
  onOpen?: (row: T) => void
  hasMore?: boolean
  more?: () => void
  /** Further pages only when asked for: for a table that is not the last thing on its page. */
  moreByHand?: boolean
  empty?: ReactNode
}

const ROW_HEIGHT = 45
export const NARROW = '(max-width: 640px)'

/** A table on a desk, cards on a phone. Loads further pages as the end comes into view. */
export function DataTable<T>(p: Props<T>) {
  const narrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false })
  if (!p.loading && p.rows.length === 0) return <>{p.empty}</>
  return (
    <>
      {narrow ? <Cards {...p} /> : <Table {...p} />}
      {p.hasMore && p.more && <More key={p.rows.length} more={p.more} byHand={p.moreByHand} />}
    </>
  )
}

function Table<T>({ label, rows, columns, rowKey, loading, sort = '', onSort, onOpen }: Props<T>) {
  const body = useRef<HTMLTableSectionElement>(null)
  const { start, end } = useWindowRows(body, rows.length, ROW_HEIGHT)
  return (
    <div className={css.scroll}>
      <table className={css.table} aria-label={label} aria-rowcount={rows.length + 1} aria-busy={loading}>
        <thead>
          <tr>
            {columns.map((c) => (
              <Head key={c.id} column={c} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {start > 0 && <Spacer rows={start} columns={columns.length} />}
          {rows.slice(start, end).map((row, i) => (
            <tr
              key={rowKey(row)}
              aria-rowindex={start + i + 2}
              className={onOpen ? css.open : undefined}
              onClick={(e) => onOpen && !isControl(e.target) && onOpen(row)}
            >
              {columns.map((c) => (
                <td key={c.id} className={c.align === 'right' ? css.right : undefined}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {end < rows.length && <Spacer rows={rows.length - end} columns={columns.length} />}
          {loading && rows.length === 0 && <Waiting columns={columns.length} />}
        </tbody>
      </table>
    </div>
  )
}

function Head<T>({ column: c, sort, onSort }: { column: Column<T>; sort: string; onSort?: (s: string | undefined) => void }) {
  const field = c.sort
  const up = sort === field
  const down = sort === `-${field}`
  const aria = !field ? undefined : up ? 'ascending' : down ? 'descending' : 'none'
  return (
    <th scope="col" aria-sort={aria} className={c.align === 'right' ? css.right : undefined} style={{ width: c.width }}>
      {field && onSort ? (
        <button type="button" className={css.sort} onClick={() => onSort(nextSort(sort, field))}>
          {c.header}
          {up && <IconArrowUp size={14} aria-hidden />}
          {down && <IconArrowDown size={14} aria-hidden />}
        </button>
      ) : (
        c.header
      )}
    </th>
  )
}

function Spacer({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden style={{ height: rows * ROW_HEIGHT }}>
      <td colSpan={columns} />
    </tr>
  )
}

function Waiting({ columns }: { columns: number }) {
  return [1, 2, 3, 4, 5].map((n) => (
    <tr key={n}>
      <td colSpan={columns}>
        <Skeleton height={14} width={`${95 - n * 9}%`} />
      </td>
    </tr>
  ))
}

function Cards<T>({ label, rows, columns, rowKey, loading, onOpen }: Props<T>) {
  const lead = columns.find((c) => c.card === 'lead') ?? columns[0]
  const badges = columns.filter((c) => c.card === 'badge')
  const rest = columns.filter((c) => c !== lead && !c.card)
  return (
    <ul className={css.cards} aria-label={label} aria-busy={loading}>
      {rows.map((row) => (
        <li key={rowKey(row)} className={css.card} onClick={(e) => onOpen && !isControl(e.target) && onOpen(row)}>
          <div className={css.cardHead}>
            <span className={css.cardLead}>{lead?.cell(row)}</span>
            {badges.map((c) => (
              <span key={c.id}>{c.cell(row)}</span>
            ))}
          </div>
          <dl>
            {rest.map((c) => (
              <div key={c.id}>
                <dt>{c.header}</dt>
                <dd>{c.cell(row)}</dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
      {loading && rows.length === 0 && <Skeleton height={90} m={12} />}
    </ul>
  )
}

/** Loads the next page when it comes into view, or when pressed. */
export function More({ more, byHand }: { more: () => void; byHand?: boolean }) {
  const { t } = useTranslation()
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!ref.current || byHand || typeof IntersectionObserver === 'undefined') return
    const seen = new IntersectionObserver((e) => e.some((x) => x.isIntersecting) && more(), { rootMargin: '400px' })
    seen.observe(ref.current)
    return () => seen.disconnect()
    // The observer is made anew with each page (see key above), not with each render.
  }, [])
  return (
    <div ref={ref} className={css.more}>
      <Button variant="subtle" size="xs" onClick={more}>
        {t('design.table.more')}
      </Button>
    </div>
  )
}

/** A click on a link or button inside a row is that control's, not the row's. */
function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a, button, input, label') !== null
}
