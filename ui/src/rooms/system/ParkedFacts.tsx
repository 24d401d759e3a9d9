import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { post, useChange, useOne, type ParkedFact } from '../../api'
import { Ago, DataTable, Failed, Panel, ProblemAlert, Quiet, useFormat, type Column } from '../../design'
import css from './system.module.css'

const PATH = '/system/parked-facts'

/** Facts that a part of the platform could not take; what came later of the same thing waits behind them. */
export function ParkedFacts() {
  const { t } = useTranslation()
  const f = useFormat()
  const { data, problem, loading, retry } = useOne<{ items: ParkedFact[] }>(PATH, { refetchInterval: 15_000 })
  const again = useChange((p: ParkedFact) => post(`${PATH}/retry`, { consumer: p.consumer, subject: p.subject }), [PATH])
  const columns: Column<ParkedFact>[] = [
    { id: 'subject', header: t('system.subject'), card: 'lead', cell: (p) => <code>{p.subject}</code> },
    { id: 'consumer', header: t('system.consumer'), cell: (p) => p.consumer },
    { id: 'kind', header: t('system.kind'), cell: (p) => <code>{p.kind}</code> },
    { id: 'error', header: t('system.error'), cell: (p) => <span title={p.error}>{p.error}</span> },
    { id: 'attempts', header: t('system.attempts'), align: 'right', cell: (p) => f.number(p.attempts) },
    { id: 'parked', header: t('system.since'), cell: (p) => <Ago at={p.parked_at} /> },
    {
      id: 'retry',
      header: t('system.retry'),
      cell: (p) => (
        <Button size="compact-xs" variant="default" loading={again.busy} onClick={() => void again.run(p).catch(() => undefined)}>
          {t('design.retry')}
        </Button>
      ),
    },
  ]
  return (
    <Panel title={t('system.parked')} flush>
      <p className={css.note}>{t('system.parkedHint')}</p>
      <ProblemAlert problem={again.problem} />
      {problem ? (
        <Failed problem={problem} retry={retry} />
      ) : (
        <DataTable
          label={t('system.parked')}
          rows={data?.items ?? []}
          columns={columns}
          rowKey={(p) => `${p.consumer}/${p.subject}`}
          loading={loading}
          empty={<Quiet good>{t('system.noParked')}</Quiet>}
        />
      )}
    </Panel>
  )
}
