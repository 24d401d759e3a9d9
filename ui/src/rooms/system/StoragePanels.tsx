import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOne, type Storage, type StorageItem } from '../../api'
import { Ago, Bars, DataTable, Facts, Failed, Instant, Loading, NONE, Panel, ToneBadge, useFormat, type Column } from '../../design'
import { fold, kept, sorted } from './storage'
import css from './system.module.css'

const PATH = '/system/storage'
const MOST_BARS = 10

/** What takes how much room, and when it goes. */
export function StoragePanels() {
  const { t } = useTranslation()
  const { data, loading, problem, retry } = useOne<Storage>(PATH, { refetchInterval: 60_000 })
  if (!data) return <Panel title={t('system.storage')}>{problem ? <Failed problem={problem} retry={retry} /> : loading && <Loading />}</Panel>
  return (
    <>
      <Panel title={t('system.storage')}>
        <Sizes storage={data} />
      </Panel>
      <Panel title={t('system.retention')} flush>
        <p className={css.note}>{t('system.retentionHint')}</p>
        <Stores items={data.items} />
      </Panel>
    </>
  )
}

function Sizes({ storage: s }: { storage: Storage }) {
  const { t } = useTranslation()
  const f = useFormat()
  const name = useName()
  const largest = sorted(fold(s.items), '-bytes').slice(0, MOST_BARS)
  return (
    <>
      <Facts
        items={[
          [t('system.database'), s.database === 'postgres' ? 'PostgreSQL' : 'SQLite'],
          [t('system.size'), f.bytes(s.bytes)],
          ...(s.database === 'sqlite' ? [[t('system.free'), f.bytes(s.free_bytes)] satisfies [string, string]] : []),
          [t('system.measured'), s.measured_at ? <Ago key="m" at={s.measured_at} /> : t('system.notMeasured')],
        ]}
      />
      <div className={css.bars}>
        <Bars label={t('system.storage')} rows={largest.map((i) => ({ id: i.name, label: name(i.name), value: i.bytes, text: f.bytes(i.bytes) }))} />
      </div>
    </>
  )
}

function Stores({ items }: { items: StorageItem[] }) {
  const { t } = useTranslation()
  const f = useFormat()
  const name = useName()
  const [sort, setSort] = useState<string | undefined>('-bytes')
  const [all, setAll] = useState(false)
  const keep = (i: StorageItem) => {
    const k = kept(i)
    if (k.kind === 'days') return t('system.days', { n: f.number(k.days) })
    return k.kind === 'ever' ? t('system.forEver') : t('system.asLong')
  }
  const columns: Column<StorageItem>[] = [
    { id: 'name', header: t('system.what'), sort: 'name', card: 'lead', cell: (i) => <strong title={i.tables.join(', ')}>{name(i.name)}</strong> },
    { id: 'rows', header: t('system.rows'), sort: 'rows', align: 'right', cell: (i) => f.number(i.rows) },
    { id: 'bytes', header: t('system.size'), sort: 'bytes', align: 'right', card: 'badge', cell: (i) => f.bytes(i.bytes) },
    { id: 'perDay', header: t('system.perDay'), sort: 'bytes_per_day', align: 'right', cell: (i) => (i.bytes_per_day ? f.bytes(i.bytes_per_day) : NONE) },
    { id: 'oldest', header: t('system.oldest'), cell: (i) => <Instant at={i.oldest_at} form="date" /> },
    { id: 'keep', header: t('system.keep'), sort: 'keep_days', cell: keep },
    { id: 'setting', header: t('system.setting'), card: 'no', cell: (i) => (i.setting ? <code>--{i.setting.replace(/^-+/, '')}</code> : NONE) },
    { id: 'run', header: t('system.lastRun'), cell: (i) => <LastRun item={i} /> },
  ]
  return (
    <>
      <DataTable label={t('system.retention')} rows={sorted(all ? items : fold(items), sort)} columns={columns} rowKey={(i) => i.name} sort={sort} onSort={setSort} />
      <Button m={12} size="compact-sm" variant="subtle" onClick={() => setAll(!all)}>
        {all ? t('system.fewer') : t('system.all', { n: items.length })}
      </Button>
    </>
  )
}

function LastRun({ item }: { item: StorageItem }) {
  const { t } = useTranslation()
  const f = useFormat()
  const run = item.last_run
  if (!run) return <span>{NONE}</span>
  if (run.error) {
    return (
      <ToneBadge tone="bad" title={run.error}>
        {t('system.runFailed')}
      </ToneBadge>
    )
  }
  return (
    <Text span size="sm">
      {run.ended_at ? <Ago at={run.ended_at} /> : t('system.running')}, {t('system.removed', { n: f.number(run.removed_rows) })}
    </Text>
  )
}

/** What is stored in words; a table that has no name of its own by the database's. */
function useName() {
  const { t } = useTranslation()
  return (name: string) => t(`system.store.${name.replaceAll(' ', '-')}`, { defaultValue: name })
}
