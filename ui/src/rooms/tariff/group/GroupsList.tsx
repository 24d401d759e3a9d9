import { Button } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, useMay, type TariffGroup } from '../../../api'
import { Empty, IconPlus, IconUsers, Instant, ListView, Panel, useUrlListState, type Column, type FilterDef } from '../../../design'

/** Who pays what, and where. */
export function GroupsList() {
  const { t } = useTranslation()
  const state = useUrlListState('name')
  const list = useList<TariffGroup>('/tariff-groups', state.params)
  const navigate = useNavigate()
  const add = useMay('tariff.write') && (
    <Button component={Link} {...({ to: '/tariff-groups/$groupId', params: { groupId: 'new' } } as object)} leftSection={<IconPlus size={16} aria-hidden />} data-testid="group-add">
      {t('tariff.group.add')}
    </Button>
  )
  const filters: FilterDef[] = [
    { field: 'closed', label: t('tariff.group.closed'), kind: 'bool' },
    { field: 'updated_at', label: t('tariff.field.updated'), kind: 'time' },
  ]
  return (
    <Panel flush>
      <ListView
        name="tariff-groups"
        label={t('tariff.section.groups')}
        list={list}
        state={state}
        columns={useColumns()}
        filters={filters}
        search={{ param: 'name[contains]', placeholder: t('tariff.group.search') }}
        rowKey={(g) => g.id ?? g.name}
        onOpen={(g) => void navigate({ to: '/tariff-groups/$groupId', params: { groupId: g.id ?? '' } })}
        extra={add}
        empty={
          <Empty icon={<IconUsers size={22} aria-hidden />} title={t('tariff.group.none')} action={add}>
            {t('tariff.group.noneHint')}
          </Empty>
        }
      />
    </Panel>
  )
}

function useColumns(): Column<TariffGroup>[] {
  const { t } = useTranslation()
  const who = (g: TariffGroup) => g.entries.map((e) => `${t(`tariff.audience.${e.audience as 'default'}`)}${e.ref ? ` ${e.ref}` : ''}: ${e.tariff}`).join(' · ')
  return [
    {
      id: 'name',
      header: t('tariff.group.name'),
      sort: 'name',
      card: 'lead',
      cell: (g) => (
        <Link to="/tariff-groups/$groupId" params={{ groupId: g.id ?? '' }} className="link">
          {g.name}
        </Link>
      ),
    },
    { id: 'who', header: t('tariff.group.entries'), cell: (g) => <span title={who(g)}>{who(g)}</span> },
    { id: 'places', header: t('tariff.places'), align: 'right', width: 110, cell: (g) => g.places.length },
    { id: 'closed', header: t('tariff.group.closed'), width: 130, cell: (g) => (g.closed ? t('design.yes') : t('design.no')) },
    { id: 'updated', header: t('tariff.field.updated'), sort: 'updated_at', width: 130, cell: (g) => <Instant at={g.updated_at} form="date" /> },
  ]
}
