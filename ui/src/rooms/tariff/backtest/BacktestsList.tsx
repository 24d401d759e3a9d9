import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, type Backtest } from '../../../api'
import { Empty, Grid, IconTag, Instant, ListView, NONE, Panel, ToneBadge, useFormat, useUrlListState, type Column, type FilterDef, type Tone } from '../../../design'
import { BacktestForm } from './BacktestForm'
import { growth } from './report'

const STATES = ['waiting', 'running', 'done', 'failed'] as const
const TONE: Record<Backtest['status'], Tone> = { waiting: 'wait', running: 'active', done: 'good', failed: 'bad' }

/** What the past would have brought under other prices. */
export function BacktestsList() {
  const { t } = useTranslation()
  const state = useUrlListState('-created_at')
  const list = useList<Backtest>('/tariff-backtests', state.params, { refetchInterval: 5_000 })
  const navigate = useNavigate()
  const filters: FilterDef[] = [{ field: 'status', label: t('tariff.field.status'), kind: 'enum', options: STATES.map((s) => ({ value: s, label: t(`tariff.backtest.status.${s}`) })) }]
  return (
    <Grid>
      <BacktestForm />
      <Panel flush>
        <ListView
          name="tariff-backtests"
          label={t('tariff.section.backtests')}
          list={list}
          state={state}
          columns={useColumns()}
          filters={filters}
          rowKey={(b) => b.id}
          onOpen={(b) => void navigate({ to: '/tariff-backtests/$backtestId', params: { backtestId: b.id } })}
          empty={
            <Empty icon={<IconTag size={22} aria-hidden />} title={t('tariff.backtest.none')}>
              {t('tariff.backtest.noneHint')}
            </Empty>
          }
        />
      </Panel>
    </Grid>
  )
}

export function BacktestBadge({ status }: { status: Backtest['status'] }) {
  const { t } = useTranslation()
  return (
    <ToneBadge tone={TONE[status]} pulse={status === 'running'}>
      {t(`tariff.backtest.status.${status}`)}
    </ToneBadge>
  )
}

function useColumns(): Column<Backtest>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const change = (b: Backtest) => {
    const g = b.report && growth(b.report.total)
    return g === undefined ? NONE : `${g > 0 ? '+' : ''}${f.number(g, 1)} %`
  }
  return [
    {
      id: 'candidate',
      header: t('tariff.backtest.candidate'),
      card: 'lead',
      cell: (b) => (
        <Link to="/tariff-backtests/$backtestId" params={{ backtestId: b.id }} className="link">
          {b.title || b.candidate}
        </Link>
      ),
    },
    { id: 'status', header: t('tariff.field.status'), sort: 'status', card: 'badge', width: 130, cell: (b) => <BacktestBadge status={b.status} /> },
    { id: 'sessions', header: t('tariff.backtest.sessions'), align: 'right', width: 120, cell: (b) => f.number(b.total) },
    { id: 'growth', header: t('tariff.backtest.growth'), align: 'right', width: 120, cell: change },
    { id: 'from', header: t('tariff.backtest.from'), width: 140, cell: (b) => <Instant at={b.from} form="date" /> },
    { id: 'to', header: t('tariff.backtest.to'), width: 140, cell: (b) => <Instant at={b.to} form="date" /> },
    { id: 'created', header: t('tariff.change.created'), sort: 'created_at', width: 180, cell: (b) => <Instant at={b.created_at} /> },
  ]
}
