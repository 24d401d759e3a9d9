import { ActionIcon, Button, Checkbox, CloseButton, Menu, Stack, TextInput, Tooltip } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { IconChevronDown, IconColumns, IconDownload, IconSearch } from '../icons'
import { useFormat } from '../locale'
import { FilterMenu } from './FilterMenu'
import { parseFilterKey } from './state'
import css from './table.module.css'
import type { Export, FilterDef, ListState } from './types'
import type { ColumnChoice } from './useColumns'

interface Props<T> {
  state: ListState
  filters: FilterDef[]
  /** The parameter the search box sets, and what the box says. */
  search?: { param: string; placeholder: string }
  columns?: Pick<ColumnChoice<T>, 'all' | 'isShown' | 'toggle'>
  csv?: string
  /** Further files, behind the button for CSV. */
  exports?: Export[]
  extra?: ReactNode
}

export function Toolbar<T>({ state, filters, search, columns, csv, exports = [], extra }: Props<T>) {
  return (
    <div className={css.bar}>
      {search && <Search state={state} {...search} />}
      {filters.length > 0 && <FilterMenu filters={filters} state={state} />}
      <Chips state={state} filters={filters} searchKey={search?.param} />
      {extra}
      <div className={css.push}>
        {columns && <ColumnMenu {...columns} />}
        {csv && <Exports csv={csv} more={exports} />}
      </div>
    </div>
  )
}

function Exports({ csv, more }: { csv: string; more: Export[] }) {
  const { t } = useTranslation()
  return (
    <Button.Group>
      <Button component="a" href={csv} download variant="default" leftSection={<IconDownload size={16} aria-hidden />} data-testid="export-csv">
        CSV
      </Button>
      {more.length > 0 && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={8} aria-label={t('design.table.exports')} data-testid="export-more">
              <IconChevronDown size={16} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {more.map((x) => (
              <Menu.Item key={x.label} component="a" href={x.href} download>
                {x.label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Button.Group>
  )
}

function ColumnMenu<T>({ all, isShown, toggle }: Pick<ColumnChoice<T>, 'all' | 'isShown' | 'toggle'>) {
  const { t } = useTranslation()
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <Tooltip label={t('design.table.columns')}>
          <ActionIcon variant="default" size={36} aria-label={t('design.table.columns')} data-testid="columns-open">
            <IconColumns size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Stack gap={8} p={8}>
          {all.map((c) => (
            <Checkbox key={c.id} size="xs" label={c.header} checked={isShown(c)} onChange={() => toggle(c.id)} />
          ))}
        </Stack>
      </Menu.Dropdown>
    </Menu>
  )
}

function Search({ state, param: key, placeholder }: { state: ListState; param: string; placeholder: string }) {
  const asked = state.params[key] ?? ''
  const [text, setText] = useState(asked)
  const sent = useRef(asked)
  useEffect(() => {
    // Only what came from elsewhere (a link, a button) replaces what is being typed.
    if (asked !== sent.current) setText(asked)
    sent.current = asked
  }, [asked])
  const commit = useDebouncedCallback((v: string) => {
    sent.current = v.trim()
    state.set({ [key]: sent.current || undefined })
  }, 250)
  return (
    <TextInput
      className={css.search}
      type="search"
      value={text}
      placeholder={placeholder}
      aria-label={placeholder}
      leftSection={<IconSearch size={16} aria-hidden />}
      data-testid="search"
      onChange={(e) => {
        setText(e.currentTarget.value)
        commit(e.currentTarget.value)
      }}
    />
  )
}

function Chips({ state, filters, searchKey }: { state: ListState; filters: FilterDef[]; searchKey?: string }) {
  const { t } = useTranslation()
  const describe = useDescribe()
  return Object.entries(state.params)
    .filter(([key]) => key !== 'sort' && key !== searchKey)
    .map(([key, value]) => {
      const { field, op } = parseFilterKey(key)
      const def = filters.find((f) => f.field === field)
      if (!def) return null
      return (
        <span key={key} className={css.chip}>
          <span>{describe(def, op, value)}</span>
          <CloseButton size="xs" aria-label={t('design.table.removeFilter')} onClick={() => state.set({ [key]: undefined })} />
        </span>
      )
    })
}

function useDescribe() {
  const { t } = useTranslation()
  const f = useFormat()
  return (def: FilterDef, op: string, value: string): string => {
    if (def.kind === 'enum' || def.kind === 'bool') {
      const names = value.split(',').map((v) => {
        if (def.kind === 'bool') return v === 'true' ? t('design.yes') : t('design.no')
        return def.options?.find((o) => o.value === v)?.label ?? v
      })
      return `${def.label}: ${names.join(', ')}`
    }
    if (def.kind === 'time') return `${def.label} ${op === 'gte' ? '≥' : '<'} ${f.dateTime(value)}`
    if (def.kind === 'number') {
      const shown = def.unit ? `${f.number(Number(value) / def.unit.factor, 1)} ${def.unit.label}` : value
      return `${def.label} ${op === 'gte' ? '≥' : '≤'} ${shown}`
    }
    return op === 'contains' ? `${def.label} ⊃ “${value}”` : `${def.label} = “${value}”`
  }
}
