import { ActionIcon, Button, TextInput, Tooltip } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useAll, useChange, useMay, type Variable } from '../../api'
import { Ago, DataTable, Empty, Failed, IconEdit, IconGauge, IconRefresh, IconSearch, NONE, Panel, ProblemAlert, type Column } from '../../design'
import css from './device.module.css'
import { EditVariable } from './EditVariable'
import { matches, nameOf, variableKey } from './variable'

/** What the station says about itself, searchable; what may be written can be changed. */
export function VariablesPanel({ station, online }: { station: string; online: boolean }) {
  const { t } = useTranslation()
  const { rows, loading, problem, retry } = useAll<Variable>(`${stationPath(station)}/variables`, {}, { refetchInterval: 30_000 })
  const [text, setText] = useState('')
  const [editing, setEditing] = useState<Variable>()
  const mayEdit = useMay('station.command') && online
  const shown = useMemo(() => (rows ?? []).filter((v) => matches(v, text)), [rows, text])
  const refresh = useChange(() => post(`${stationPath(station)}/variables/refresh`), [`${stationPath(station)}/variables`])
  const columns = useColumns(mayEdit ? setEditing : undefined)
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
        {rows && <span className={css.count}>{t('device.count', { shown: shown.length, all: rows.length })}</span>}
        {mayEdit && (
          <Button
            ml="auto"
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            loading={refresh.busy}
            onClick={() => void refresh.run(undefined).catch(() => undefined)}
          >
            {t('device.refresh')}
          </Button>
        )}
      </div>
      <ProblemAlert problem={refresh.problem} />
      <DataTable
        label={t('device.title')}
        rows={shown}
        columns={columns}
        rowKey={variableKey}
        loading={loading}
        empty={
          <Empty icon={<IconGauge size={22} aria-hidden />} title={text ? t('design.table.noMatch') : t('device.empty')}>
            {text ? t('design.table.noMatchHint') : t('device.emptyHint')}
          </Empty>
        }
      />
      {editing && <EditVariable station={station} variable={editing} onClose={() => setEditing(undefined)} />}
    </Panel>
  )
}

function useColumns(edit?: (v: Variable) => void): Column<Variable>[] {
  const { t } = useTranslation()
  const writable = (v: Variable) => edit && v.mutability !== 'ReadOnly'
  return [
    { id: 'name', header: t('device.field.name'), card: 'lead', cell: (v) => <code title={nameOf(v)}>{nameOf(v)}</code> },
    {
      id: 'value',
      header: t('device.field.value'),
      cell: (v) => (
        <span className={css.value}>
          <code title={v.value}>
            {v.mutability === 'WriteOnly' ? '••••••' : v.value || NONE}
            {v.unit && ` ${v.unit}`}
          </code>
          {writable(v) && (
            <Tooltip label={t('design.edit')}>
              <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('device.edit', { name: nameOf(v) })} onClick={() => edit?.(v)}>
                <IconEdit size={15} aria-hidden />
              </ActionIcon>
            </Tooltip>
          )}
        </span>
      ),
    },
    { id: 'attribute', header: t('device.field.attribute'), card: 'no', cell: (v) => v.attribute ?? 'Actual' },
    { id: 'type', header: t('device.field.type'), card: 'no', cell: (v) => v.data_type || NONE },
    { id: 'mutability', header: t('device.field.mutability'), cell: (v) => v.mutability || NONE },
    { id: 'updated', header: t('device.field.updated'), cell: (v) => <Ago at={v.updated_at} /> },
  ]
}
