import { Button } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { query, useFleet, useList, useMay, useMe, useOne, type Tariff, type TariffUse } from '../../../api'
import { Empty, IconPlus, IconTag, Instant, ListView, NONE, Page, Panel, ToneBadge, useUrlListState, type Column, type FilterDef } from '../../../design'
import { Section } from '../Section'
import { evsesAt } from '../uses'

/** Rows whose uses are asked for at once. */
const USES_AT_ONCE = 200

export function TariffsPage() {
  const { t } = useTranslation()
  const state = useUrlListState('id')
  const list = useList<Tariff>('/tariffs', state.params)
  const navigate = useNavigate()
  const add = useAddButtons()
  const filters: FilterDef[] = [
    { field: 'status', label: t('tariff.field.status'), kind: 'enum', options: (['active', 'retired'] as const).map((s) => ({ value: s, label: t(`tariff.status.${s}`) })) },
    { field: 'currency', label: t('tariff.field.currency'), kind: 'text' },
    { field: 'last_updated', label: t('tariff.field.updated'), kind: 'time' },
  ]
  return (
    <Page title={t('tariff.title')} subtitle={t('tariff.hint')} actions={add}>
      <Section tab="tariffs">
        <Panel flush>
          <ListView
            name="tariffs"
            label={t('tariff.title')}
            list={list}
            state={state}
            columns={useColumns(list.rows)}
            filters={filters}
            search={{ param: 'id[contains]', placeholder: t('tariff.search') }}
            rowKey={(x) => `${x.organisation}/${x.id}`}
            onOpen={(x) => void navigate({ to: '/tariffs/$tariffId/{-$tab}', params: { tariffId: x.id ?? '', tab: undefined } })}
            empty={
              <Empty icon={<IconTag size={22} aria-hidden />} title={t('tariff.empty')} action={add}>
                {t('tariff.emptyHint')}
              </Empty>
            }
          />
        </Panel>
      </Section>
    </Page>
  )
}

function useAddButtons() {
  const { t } = useTranslation()
  if (!useMay('tariff.write')) return undefined
  return (
    <>
      <Button variant="default" component={Link} to="/tariff-wizard" data-testid="tariff-wizard">
        {t('tariff.wizard.open')}
      </Button>
      <Button component={Link} {...({ to: '/tariff-editor/{-$tariffId}', params: {} } as object)} leftSection={<IconPlus size={16} aria-hidden />} data-testid="tariff-add">
        {t('tariff.add')}
      </Button>
    </>
  )
}

/** Where the rows' tariffs are in force, by tariff. */
function useUses(rows: Tariff[]): Map<string, TariffUse> | undefined {
  const ids = rows.slice(0, USES_AT_ONCE).map((x) => x.id ?? '')
  const { data } = useOne<{ items: TariffUse[] }>(`/tariff-uses${query({ tariffs: ids.join(',') })}`, { enabled: ids.length > 0 })
  return data && new Map(data.items.map((u) => [`${u.organisation}/${u.tariff}`, u]))
}

function useColumns(rows: Tariff[]): Column<Tariff>[] {
  const { t } = useTranslation()
  const uses = useUses(rows)
  const fleet = useFleet().rows
  const top = useMe().me?.organisation.id
  const used = (x: Tariff) => {
    if (!uses) return NONE
    const use = uses.get(`${x.organisation}/${x.id}`)
    if (!use) return t('tariff.unused')
    const parts = [t('tariff.evses', { count: evsesAt(use.places, fleet ?? [], top) })]
    if (use.groups.length > 0) parts.push(t('tariff.groups', { count: use.groups.length }))
    return parts.join(', ')
  }
  return [
    {
      id: 'id',
      header: t('tariff.field.id'),
      sort: 'id',
      card: 'lead',
      width: 190,
      cell: (x) => (
        <Link to="/tariffs/$tariffId/{-$tab}" params={{ tariffId: x.id ?? '', tab: undefined }} className="link">
          {x.id}
        </Link>
      ),
    },
    { id: 'status', header: t('tariff.field.status'), sort: 'status', card: 'badge', width: 120, cell: (x) => <TariffBadge tariff={x} /> },
    { id: 'summary', header: t('tariff.field.summary'), cell: (x) => <span title={x.summary}>{x.summary || NONE}</span> },
    { id: 'used', header: t('tariff.field.used'), width: 200, cell: used },
    { id: 'currency', header: t('tariff.field.currency'), sort: 'currency', width: 110, cell: (x) => x.currency || NONE },
    { id: 'version', header: t('tariff.field.version'), sort: 'version', align: 'right', width: 100, cell: (x) => x.version ?? NONE },
    { id: 'valid', header: t('tariff.field.valid'), hidden: true, cell: (x) => <Validity tariff={x} /> },
    { id: 'updated', header: t('tariff.field.updated'), sort: 'last_updated', width: 130, cell: (x) => <Instant at={x.last_updated} form="date" /> },
  ]
}

export function TariffBadge({ tariff: x }: { tariff: Tariff }) {
  const { t } = useTranslation()
  return <ToneBadge tone={x.status === 'retired' ? 'idle' : 'good'}>{t(`tariff.status.${x.status ?? 'active'}`)}</ToneBadge>
}

export function Validity({ tariff: x }: { tariff: Tariff }) {
  const { t } = useTranslation()
  if (!x.start_date_time && !x.end_date_time) return <>{t('tariff.validAlways')}</>
  return (
    <>
      {x.start_date_time && (
        <>
          {t('tariff.from')} <Instant at={x.start_date_time} />
        </>
      )}{' '}
      {x.end_date_time && (
        <>
          {t('tariff.until')} <Instant at={x.end_date_time} />
        </>
      )}
    </>
  )
}
