import { Button } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, useSites, type Cdr } from '../../api'
import { Empty, IconReceipt, Instant, ListView, NONE, Page, Panel, ToneBadge, useFormat, useUrlListState, type Column, type FilterDef } from '../../design'

export function CdrsPage() {
  const { t } = useTranslation()
  const state = useUrlListState('-issued_at')
  const list = useList<Cdr>('/cdrs', state.params)
  const navigate = useNavigate()
  const filters: FilterDef[] = [
    { field: 'issued_at', label: t('billing.issued'), kind: 'time' },
    { field: 'energy_wh', label: t('session.field.energy'), kind: 'number', unit: { label: 'kWh', factor: 1000 } },
    { field: 'session_id', label: t('billing.session'), kind: 'text' },
  ]
  return (
    <Page
      title={t('billing.title')}
      subtitle={t('billing.hint')}
      actions={
        <Button variant="default" component={Link} to="/held-cdrs">
          {t('billing.held.open')}
        </Button>
      }
    >
      <Panel flush>
        <ListView
          name="cdrs"
          label={t('billing.title')}
          list={list}
          state={state}
          columns={useColumns()}
          filters={filters}
          search={{ param: 'station_id[contains]', placeholder: t('billing.search') }}
          rowKey={(c) => c.id}
          onOpen={(c) => void navigate({ to: '/cdrs/$cdrId', params: { cdrId: c.id } })}
          empty={
            <Empty icon={<IconReceipt size={22} aria-hidden />} title={t('billing.empty')}>
              {t('billing.emptyHint')}
            </Empty>
          }
        />
      </Panel>
    </Page>
  )
}

function useColumns(): Column<Cdr>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const { byId } = useSites()
  const zone = (c: Cdr) => byId.get(c.site ?? '')?.time_zone
  return [
    {
      id: 'issued',
      header: t('billing.issued'),
      sort: 'issued_at',
      card: 'lead',
      cell: (c) => (
        <Link to="/cdrs/$cdrId" params={{ cdrId: c.id }} className="link">
          <Instant at={c.issued_at} zone={zone(c)} />
        </Link>
      ),
    },
    { id: 'station', header: t('session.field.station'), sort: 'station_id', cell: (c) => c.station_id },
    { id: 'energy', header: t('session.field.energy'), sort: 'energy_wh', align: 'right', cell: (c) => f.energy(c.energy_wh) },
    {
      id: 'excl',
      header: t('billing.exclVat'),
      align: 'right',
      cell: (c) => f.money({ amount: c.cost.excl_vat, currency: c.cost.currency }),
    },
    {
      id: 'incl',
      header: t('billing.inclVat'),
      align: 'right',
      cell: (c) => f.money({ amount: c.cost.incl_vat, currency: c.cost.currency }),
    },
    {
      id: 'kind',
      header: t('billing.kindLabel'),
      sort: 'kind',
      card: 'badge',
      cell: (c) => c.kind === 'credit' && <ToneBadge tone="wait">{t('billing.credit')}</ToneBadge>,
    },
    { id: 'tariff', header: t('session.field.tariff'), cell: (c) => c.tariff || NONE },
    { id: 'started', header: t('session.field.started'), hidden: true, cell: (c) => <Instant at={c.started_at} zone={zone(c)} /> },
    { id: 'number', header: t('billing.number'), sort: 'number', align: 'right', hidden: true, cell: (c) => f.number(c.number) },
  ]
}
