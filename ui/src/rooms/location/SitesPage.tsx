import { Button } from '@mantine/core'
import { useState } from 'react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useFleet, useList, useMay, type Site } from '../../api'
import { Empty, IconMapPin, IconPlus, ListView, NONE, Page, Panel, TextButton, useFormat, useUrlListState, type Column } from '../../design'
import { SiteDialog } from './SiteDialog'

export function SitesPage() {
  const { t } = useTranslation()
  const state = useUrlListState('name')
  const list = useList<Site>('/sites', state.params)
  const [editing, setEditing] = useState<Site | 'new'>()
  const may = useMay('site.write')
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('location.add')}
    </Button>
  )
  return (
    <Page title={t('location.title')} actions={add}>
      <Panel flush>
        <ListView
          name="sites"
          label={t('location.title')}
          list={list}
          state={state}
          columns={useColumns(may ? setEditing : undefined)}
          filters={[{ field: 'time_zone', label: t('location.field.time_zone'), kind: 'text' }]}
          search={{ param: 'q', placeholder: t('location.search') }}
          rowKey={(s) => s.id}
          onOpen={may ? setEditing : undefined}
          empty={
            <Empty icon={<IconMapPin size={22} aria-hidden />} title={t('location.empty')} action={add}>
              {t('location.emptyHint')}
            </Empty>
          }
        />
      </Panel>
      {editing && <SiteDialog site={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </Page>
  )
}

function useColumns(edit?: (s: Site) => void): Column<Site>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const { rows: fleet } = useFleet()
  const counts = new Map<string, number>()
  for (const s of fleet ?? []) counts.set(s.site ?? '', (counts.get(s.site ?? '') ?? 0) + 1)
  const name = (s: Site) => (edit ? <TextButton onClick={() => edit(s)}>{s.name}</TextButton> : <strong>{s.name}</strong>)
  const place = (s: Site) => [s.address?.street, [s.address?.postal_code, s.address?.city].filter(Boolean).join(' '), s.address?.country]
  return [
    { id: 'name', header: t('location.field.name'), sort: 'name', card: 'lead', cell: name },
    { id: 'address', header: t('location.field.address'), cell: (s) => place(s).filter(Boolean).join(', ') || NONE },
    {
      id: 'stations',
      header: t('location.field.stations'),
      align: 'right',
      cell: (s) => (
        <Link to="/stations" search={{ 'site[in]': s.id } as never} className="link">
          {f.number(counts.get(s.id) ?? 0)}
        </Link>
      ),
    },
    { id: 'zone', header: t('location.field.time_zone'), cell: (s) => s.time_zone },
    { id: 'currency', header: t('location.field.currency'), cell: (s) => s.currency || NONE },
    {
      id: 'coordinates',
      header: t('location.field.coordinates'),
      hidden: true,
      cell: (s) => (s.latitude && s.longitude ? `${s.latitude}, ${s.longitude}` : NONE),
    },
  ]
}
