import { Button, Tabs } from '@mantine/core'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useList, useMay, useSites, type DeviceTemplate } from '../../../api'
import { Empty, IconPlus, IconTemplate, Instant, ListView, NONE, Page, Panel, ToneBadge, useUrlListState, type Column, type FilterDef } from '../../../design'
import { DriftList } from './DriftList'

const TABS = ['list', 'drift'] as const

/** Templates, and the stations that are not as they should be. */
export function TemplatesPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { tab = 'list' } = useParams({ from: '/templates/{-$tab}' })
  const may = useMay('device.write')
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => void navigate({ to: '/device-templates/$templateId', params: { templateId: 'new' } })} data-testid="template-add">
      {t('device.template.add')}
    </Button>
  )
  return (
    <Page title={t('device.template.title')} subtitle={t('device.template.hint')} actions={add}>
      <Tabs value={tab} onChange={(v) => void navigate({ to: '/templates/{-$tab}', params: { tab: v === 'list' ? undefined : (v ?? undefined) }, search: {} as never })}>
        <Tabs.List mb="md">
          {TABS.map((x) => (
            <Tabs.Tab key={x} value={x}>
              {t(`device.template.tab.${x}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>{tab === 'drift' ? <DriftList /> : <TemplateList add={add} />}</Tabs.Panel>
      </Tabs>
    </Page>
  )
}

function TemplateList({ add }: { add: ReactNode }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const state = useUrlListState('name')
  const list = useList<DeviceTemplate>('/device-templates', state.params)
  const filters: FilterDef[] = [
    { field: 'vendor', label: t('station.field.vendor'), kind: 'text' },
    { field: 'model', label: t('station.field.model'), kind: 'text' },
    { field: 'enabled', label: t('device.template.enabled'), kind: 'bool' },
    { field: 'priority', label: t('device.template.priority'), kind: 'number' },
  ]
  return (
    <Panel flush>
      <ListView
        name="templates"
        label={t('device.template.title')}
        list={list}
        state={state}
        columns={useColumns()}
        filters={filters}
        search={{ param: 'name[contains]', placeholder: t('device.template.search') }}
        rowKey={(x) => x.id ?? ''}
        onOpen={(x) => void navigate({ to: '/device-templates/$templateId', params: { templateId: x.id ?? '' } })}
        empty={
          <Empty icon={<IconTemplate size={22} aria-hidden />} title={t('device.template.empty')} action={add}>
            {t('device.template.emptyHint')}
          </Empty>
        }
      />
    </Panel>
  )
}

function useColumns(): Column<DeviceTemplate>[] {
  const { t } = useTranslation()
  const { byId } = useSites()
  const kind = (x: DeviceTemplate) => [x.vendor, x.model, x.firmware].filter(Boolean).join(' · ')
  return [
    {
      id: 'name',
      header: t('device.template.name'),
      sort: 'name',
      card: 'lead',
      cell: (x) => (
        <Link to="/device-templates/$templateId" params={{ templateId: x.id ?? '' }} className="link">
          {x.name}
        </Link>
      ),
    },
    {
      id: 'enabled',
      header: t('device.field.status'),
      card: 'badge',
      width: 130,
      cell: (x) => <ToneBadge tone={x.enabled ? 'good' : 'idle'}>{x.enabled ? t('device.template.on') : t('device.template.off')}</ToneBadge>,
    },
    { id: 'for', header: t('device.template.for'), cell: (x) => kind(x) || t('device.template.any') },
    { id: 'versions', header: 'OCPP', width: 120, cell: (x) => (x.versions ?? []).join(', ') || NONE },
    { id: 'site', header: t('station.field.site'), cell: (x) => byId.get(x.site ?? '')?.name ?? x.site ?? NONE },
    { id: 'count', header: t('device.part.variables'), align: 'right', width: 110, cell: (x) => (x.variables ?? []).length },
    { id: 'monitors', header: t('device.monitor.title'), align: 'right', width: 120, cell: (x) => (x.monitors ?? []).length },
    { id: 'priority', header: t('device.template.priority'), sort: 'priority', align: 'right', width: 100, cell: (x) => x.priority ?? 0 },
    { id: 'changed', header: t('device.template.changed'), sort: 'changed_at', width: 150, cell: (x) => <Instant at={x.changed_at} form="date" /> },
  ]
}
