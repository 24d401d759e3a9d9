import { Badge, Button, SegmentedControl, TextInput } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { exportUrl, post, useAll, useChange, useMay, variablesPath, type Variable } from '../../../api'
import { Ago, DataTable, Empty, Failed, IconDownload, IconGauge, IconRefresh, IconSearch, NONE, Panel, ProblemAlert, TextButton, type Column } from '../../../design'
import css from '../device.module.css'
import { allowedText, isWritable, matches, nameOf, variableKey } from './variable'
import { VariableDialog } from './VariableDialog'

const VIEWS = ['all', 'writable', 'required'] as const
type View = (typeof VIEWS)[number]

const inView = (v: Variable, view: View, protocol: string | undefined) =>
  view === 'all' || (view === 'writable' ? isWritable(v) : (v.required_in ?? []).includes(protocol ?? ''))

interface Props {
  station: string
  online: boolean
  protocol?: string
}

/** What the station says about itself, searchable; each variable opens with its meaning, its past and a way to change it. */
export function VariablesPanel({ station, online, protocol }: Props) {
  const { t } = useTranslation()
  const path = variablesPath(station)
  const { rows, loading, problem, retry } = useAll<Variable>(path, {}, { refetchInterval: 30_000 })
  const [text, setText] = useState('')
  const [view, setView] = useState<View>('all')
  const [sort, setSort] = useState<string>()
  const [open, setOpen] = useState<Variable>()
  const may = useMay('device.write')
  const shown = useMemo(() => sorted((rows ?? []).filter((v) => matches(v, text) && inView(v, view, protocol)), sort), [rows, text, view, protocol, sort])
  const refresh = useChange(() => post(`${path}/refresh`), [path])
  const columns = useColumns(setOpen, protocol)
  if (problem) return <Failed problem={problem} retry={retry} />
  return (
    <Panel flush>
      <div className={css.bar}>
        <TextInput
          type="search"
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          placeholder={t('device.search')}
          aria-label={t('device.search')}
          leftSection={<IconSearch size={16} aria-hidden />}
          className={css.search}
        />
        <SegmentedControl size="xs" value={view} onChange={(v) => setView(v as View)} data={VIEWS.map((v) => ({ value: v, label: t(`device.view.${v}`) }))} aria-label={t('device.view.label')} />
        {rows && <span className={css.count}>{t('device.count', { shown: shown.length, all: rows.length })}</span>}
        <div className={css.end}>
          <Button component="a" href={exportUrl(path, {}, 'csv')} variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
            CSV
          </Button>
          {may && online && (
            <Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />} loading={refresh.busy} onClick={() => void refresh.run(undefined).catch(() => undefined)}>
              {t('device.refresh')}
            </Button>
          )}
        </div>
      </div>
      <ProblemAlert problem={refresh.problem} />
      <DataTable
        label={t('device.title')}
        rows={shown}
        columns={columns}
        rowKey={variableKey}
        loading={loading}
        sort={sort}
        onSort={setSort}
        onOpen={setOpen}
        empty={
          <Empty icon={<IconGauge size={22} aria-hidden />} title={text ? t('design.table.noMatch') : t('device.empty')}>
            {text ? t('design.table.noMatchHint') : t('device.emptyHint')}
          </Empty>
        }
      />
      {open && <VariableDialog station={station} variable={open} mayEdit={may} onClose={() => setOpen(undefined)} />}
    </Panel>
  )
}

const SORTS: Record<string, (v: Variable) => string> = { name: nameOf, type: (v) => v.data_type ?? '', mutability: (v) => v.mutability ?? '', updated: (v) => v.updated_at }

function sorted(rows: Variable[], sort: string | undefined): Variable[] {
  const by = SORTS[(sort ?? '').replace('-', '')]
  if (!by) return rows
  const sign = sort?.startsWith('-') ? -1 : 1
  return [...rows].sort((a, b) => sign * by(a).localeCompare(by(b), 'en', { numeric: true }))
}

function useColumns(open: (v: Variable) => void, protocol: string | undefined): Column<Variable>[] {
  const { t } = useTranslation()
  return [
    {
      id: 'name',
      header: t('device.field.name'),
      sort: 'name',
      card: 'lead',
      cell: (v) => (
        <span title={v.meaning ?? nameOf(v)}>
          <TextButton onClick={() => open(v)}>
            <code>{nameOf(v)}</code>
          </TextButton>
          {(v.required_in ?? []).includes(protocol ?? '') && (
            <Badge ml={8} size="xs" variant="light" color="gray">
              {t('device.required')}
            </Badge>
          )}
        </span>
      ),
    },
    {
      id: 'value',
      header: t('device.field.value'),
      cell: (v) => (
        <code title={v.value}>
          {v.mutability === 'WriteOnly' ? '••••••' : v.value || NONE}
          {v.unit && ` ${v.unit}`}
        </code>
      ),
    },
    { id: 'allowed', header: t('device.field.allowed'), card: 'no', cell: (v) => <span title={allowedText(v)}>{allowedText(v) || NONE}</span> },
    { id: 'attribute', header: t('device.field.attribute'), card: 'no', width: 110, cell: (v) => v.attribute },
    { id: 'type', header: t('device.field.type'), sort: 'type', card: 'no', width: 130, cell: (v) => v.data_type || NONE },
    { id: 'mutability', header: t('device.field.mutability'), sort: 'mutability', width: 130, cell: (v) => v.mutability || NONE },
    { id: 'updated', header: t('device.field.updated'), sort: 'updated', width: 130, cell: (v) => <Ago at={v.updated_at} /> },
  ]
}
