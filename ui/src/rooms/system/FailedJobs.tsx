import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { post, useChange, useOne, type FailedJob } from '../../api'
import { Ago, DataTable, Failed, Panel, ProblemAlert, Quiet, useFormat, type Column } from '../../design'
import css from './system.module.css'

const PATH = '/system/failed-jobs'

/** Work in the background that was given up. */
export function FailedJobs() {
  const { t } = useTranslation()
  const f = useFormat()
  const { data, problem, loading, retry } = useOne<{ items: FailedJob[] }>(PATH, { refetchInterval: 15_000 })
  const again = useChange((j: FailedJob) => post(`${PATH}/${encodeURIComponent(j.id)}/retry`), [PATH])
  const columns: Column<FailedJob>[] = [
    { id: 'kind', header: t('system.job'), card: 'lead', cell: (j) => <code>{j.kind}</code> },
    { id: 'error', header: t('system.error'), cell: (j) => <span title={j.error}>{j.error}</span> },
    { id: 'attempts', header: t('system.attempts'), align: 'right', cell: (j) => f.number(j.attempts) },
    { id: 'failed', header: t('system.since'), cell: (j) => <Ago at={j.failed_at} /> },
    {
      id: 'retry',
      header: t('system.retry'),
      cell: (j) => (
        <Button size="compact-xs" variant="default" loading={again.busy} onClick={() => void again.run(j).catch(() => undefined)}>
          {t('design.retry')}
        </Button>
      ),
    },
  ]
  return (
    <Panel title={t('system.failed')} flush>
      <p className={css.note}>{t('system.failedHint')}</p>
      <ProblemAlert problem={again.problem} />
      {problem ? (
        <Failed problem={problem} retry={retry} />
      ) : (
        <DataTable
          label={t('system.failed')}
          rows={data?.items ?? []}
          columns={columns}
          rowKey={(j) => j.id}
          loading={loading}
          empty={<Quiet good>{t('system.noFailed')}</Quiet>}
        />
      )}
    </Panel>
  )
}
