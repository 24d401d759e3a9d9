import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Imported, Problem } from '../../../api'
import { csv, DataTable, download, Facts, IconAlert, IconCheck, IconDownload, NONE, Panel, ProblemAlert, useFormat, type Column } from '../../../design'
import css from './import.module.css'
import { rowNote, type RowNote } from './rows'
import type { ImportWork } from './useImport'

/** What the file would do or has done, and what is wrong with it. */
export function Outcome({ work, apply }: { work: ImportWork; apply: () => void }) {
  const { t } = useTranslation()
  const f = useFormat()
  if (work.busy) {
    return (
      <Panel>
        <Group role="status" gap={12}>
          <Loader size="sm" />
          <Text size="sm">
            {work.applying ? t('bulk.applying') : t('bulk.checking')}
            {work.done > 0 && ` ${t('bulk.soFar', { n: f.number(work.done) })}`}
          </Text>
        </Group>
      </Panel>
    )
  }
  if (work.problem) return <Refused problem={work.problem} />
  if (!work.result) return null
  return <Result result={work.result} apply={apply} />
}

function Refused({ problem }: { problem: Problem }) {
  const { t } = useTranslation()
  if (problem.errors.length === 0) return <ProblemAlert problem={problem} />
  return (
    <Panel title={t('bulk.wrong', { n: problem.errors.length })} flush>
      <Text size="sm" c="dimmed" px={18} pb={12}>
        {t('bulk.wrongHint')}
      </Text>
      <Notes label={t('bulk.wrong', { n: problem.errors.length })} notes={problem.errors.map(rowNote)} />
    </Panel>
  )
}

function Result({ result: r, apply }: { result: Imported; apply: () => void }) {
  const { t } = useTranslation()
  const f = useFormat()
  const changes = r.created + r.changed > 0
  return (
    <>
      <Panel title={r.dry_run ? t('bulk.wouldDo') : t('bulk.done')}>
        <Stack data-testid={r.dry_run ? 'import-checked' : 'import-done'}>
          <Facts
            items={[
              [t('bulk.rows'), f.number(r.rows)],
              [t('bulk.created'), f.number(r.created)],
              [t('bulk.changed'), f.number(r.changed)],
              [t('bulk.unchanged'), f.number(r.unchanged)],
              [t('bulk.sites'), (r.sites_created ?? []).join(', ')],
            ]}
          />
          <Group justify="flex-end">
            {r.dry_run ? (
              <Button onClick={apply} disabled={!changes} leftSection={<IconCheck size={16} aria-hidden />} data-testid="import-apply">
                {changes ? t('bulk.apply', { n: f.number(r.created + r.changed) }) : t('bulk.nothing')}
              </Button>
            ) : (
              <Button component={Link} to="/stations" variant="default">
                {t('bulk.toStations')}
              </Button>
            )}
          </Group>
        </Stack>
      </Panel>
      {r.passwords && r.passwords.length > 0 && !r.dry_run && <Passwords rows={r.passwords} />}
      {r.notes.length > 0 && (
        <Panel title={t('bulk.notes')} flush>
          <Notes label={t('bulk.notes')} notes={r.notes.map(rowNote)} />
        </Panel>
      )}
    </>
  )
}

function Passwords({ rows }: { rows: NonNullable<Imported['passwords']> }) {
  const { t } = useTranslation()
  const save = () => download('station-passwords.csv', csv([['id', 'url', 'password'], ...rows.map((p) => [p.id, p.url, p.password])]), 'text/csv;charset=utf-8')
  const columns: Column<(typeof rows)[number]>[] = [
    { id: 'id', header: t('station.field.id'), card: 'lead', cell: (p) => <strong>{p.id}</strong> },
    { id: 'url', header: t('station.add.url'), cell: (p) => <code>{p.url}</code> },
    { id: 'password', header: t('station.add.password'), cell: (p) => <code>{p.password}</code> },
  ]
  return (
    <Panel
      title={t('bulk.passwords', { n: rows.length })}
      flush
      actions={
        <Button onClick={save} leftSection={<IconDownload size={16} aria-hidden />} data-testid="import-passwords">
          {t('bulk.savePasswords')}
        </Button>
      }
    >
      <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />} mx={18} mb={12}>
        {t('bulk.passwordsOnce')}
      </Alert>
      <DataTable label={t('station.add.password')} rows={rows} columns={columns} rowKey={(p) => p.id} />
    </Panel>
  )
}

function Notes({ label, notes }: { label: string; notes: RowNote[] }) {
  const { t } = useTranslation()
  const columns: Column<RowNote & { key: string }>[] = [
    { id: 'row', header: t('bulk.row'), width: 90, card: 'lead', cell: (n) => n.row ?? NONE },
    { id: 'column', header: t('bulk.column'), width: 180, cell: (n) => (n.column ? <code>{n.column}</code> : NONE) },
    { id: 'value', header: t('bulk.value'), cell: (n) => (n.value ? <code>{n.value}</code> : NONE) },
    { id: 'message', header: t('bulk.message'), cell: (n) => <span className={css.message}>{n.message}</span> },
  ]
  return <DataTable label={label} rows={notes.map((n, i) => ({ ...n, key: String(i) }))} columns={columns} rowKey={(n) => n.key} />
}
