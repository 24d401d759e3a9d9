import { Button } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useList, useMay, type PriceChange } from '../../../api'
import { Empty, IconPlus, IconTag, Instant, ListView, Panel, ToneBadge, useFormat, useUrlListState, type Column, type FilterDef, type Tone } from '../../../design'
import { PlanDialog } from './PlanDialog'
import { useWhat } from './words'

const STATES = ['draft', 'scheduled', 'running', 'applied', 'rolling_back', 'rolled_back', 'cancelled'] as const
const TONE: Record<PriceChange['status'], Tone> = { draft: 'wait', scheduled: 'held', running: 'active', applied: 'good', rolling_back: 'active', rolled_back: 'idle', cancelled: 'idle' }

/** Changes of many prices at once. */
export function ChangesList() {
  const { t } = useTranslation()
  const state = useUrlListState('-created_at')
  const list = useList<PriceChange>('/tariff-changes', state.params, { refetchInterval: 10_000 })
  const navigate = useNavigate()
  const [open, setOpen] = useState(false)
  const show = (c: PriceChange) => void navigate({ to: '/tariff-changes/$changeId', params: { changeId: c.id } })
  const add = useMay('tariff.write') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setOpen(true)} data-testid="change-add">
      {t('tariff.change.add')}
    </Button>
  )
  const filters: FilterDef[] = [
    { field: 'status', label: t('tariff.field.status'), kind: 'enum', options: STATES.map((s) => ({ value: s, label: t(`tariff.change.status.${s}`) })) },
    { field: 'created_at', label: t('tariff.change.created'), kind: 'time' },
  ]
  return (
    <Panel flush>
      <ListView
        name="tariff-changes"
        label={t('tariff.section.changes')}
        list={list}
        state={state}
        columns={useColumns()}
        filters={filters}
        rowKey={(c) => c.id}
        onOpen={show}
        extra={add}
        empty={
          <Empty icon={<IconTag size={22} aria-hidden />} title={t('tariff.change.none')} action={add}>
            {t('tariff.change.noneHint')}
          </Empty>
        }
      />
      {open && <PlanDialog onClose={() => setOpen(false)} onPlanned={show} />}
    </Panel>
  )
}

export function ChangeBadge({ change: c }: { change: PriceChange }) {
  const { t } = useTranslation()
  const status = c.status
  if (status === 'draft' && c.approved_at) return <ToneBadge tone="active">{t('tariff.change.status.approved')}</ToneBadge>
  return (
    <ToneBadge tone={TONE[status]} pulse={status === 'running' || status === 'rolling_back'}>
      {t(`tariff.change.status.${status}`)}
    </ToneBadge>
  )
}

function useColumns(): Column<PriceChange>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const what = useWhat()
  return [
    {
      id: 'title',
      header: t('tariff.change.title'),
      card: 'lead',
      cell: (c) => (
        <Link to="/tariff-changes/$changeId" params={{ changeId: c.id }} className="link">
          {c.title || what(c)}
        </Link>
      ),
    },
    { id: 'status', header: t('tariff.field.status'), sort: 'status', card: 'badge', width: 150, cell: (c) => <ChangeBadge change={c} /> },
    { id: 'op', header: t('tariff.change.kind'), cell: what },
    { id: 'places', header: t('tariff.change.places'), align: 'right', cell: (c) => f.number(c.places) },
    { id: 'done', header: t('tariff.change.done'), align: 'right', cell: (c) => `${f.number(c.done)} / ${f.number(c.total)}` },
    { id: 'created', header: t('tariff.change.created'), sort: 'created_at', cell: (c) => <Instant at={c.created_at} /> },
    { id: 'at', header: t('tariff.change.at'), cell: (c) => <Instant at={c.finished_at ?? c.apply_at} /> },
  ]
}
