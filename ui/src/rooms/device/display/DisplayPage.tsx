import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useList, useMay, useSites, type DisplayMessage } from '../../../api'
import { Empty, IconMessage, IconPlus, Instant, ListView, NONE, Page, Panel, TextButton, useUrlListState, type Column, type FilterDef } from '../../../design'
import { MessageDialog } from './MessageDialog'
import { PRIORITIES } from './message'

/** What the displays of stations are to show. */
export function DisplayPage() {
  const { t } = useTranslation()
  const state = useUrlListState('-created_at')
  const list = useList<DisplayMessage>('/display-messages', state.params, { refetchInterval: 15_000 })
  const [editing, setEditing] = useState<DisplayMessage | 'new'>()
  const may = useMay('device.write')
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')} data-testid="message-add">
      {t('device.display.add')}
    </Button>
  )
  const filters: FilterDef[] = [
    { field: 'priority', label: t('device.display.priority'), kind: 'enum', options: PRIORITIES.map((p) => ({ value: p, label: t(`device.display.priorities.${p}`) })) },
    { field: 'station', label: t('device.station'), kind: 'text' },
    { field: 'created_at', label: t('device.display.created'), kind: 'time' },
  ]
  return (
    <Page title={t('device.display.title')} subtitle={t('device.display.hint')} actions={add}>
      <Panel flush>
        <ListView
          name="display-messages"
          label={t('device.display.title')}
          list={list}
          state={state}
          columns={useColumns(setEditing)}
          filters={filters}
          rowKey={(m) => m.id}
          onOpen={setEditing}
          empty={
            <Empty icon={<IconMessage size={22} aria-hidden />} title={t('device.display.empty')} action={add}>
              {t('device.display.emptyHint')}
            </Empty>
          }
        />
      </Panel>
      {editing && <MessageDialog message={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </Page>
  )
}

function useColumns(open: (m: DisplayMessage) => void): Column<DisplayMessage>[] {
  const { t } = useTranslation()
  const { byId } = useSites()
  const place = (m: DisplayMessage) => m.station || byId.get(m.site ?? '')?.name || m.site || t('device.display.everywhere')
  return [
    { id: 'text', header: t('device.display.text'), card: 'lead', cell: (m) => <TextButton onClick={() => open(m)}>{m.contents?.[0]?.text ?? NONE}</TextButton> },
    { id: 'where', header: t('device.display.where'), cell: place },
    { id: 'languages', header: t('device.display.languages'), width: 130, cell: (m) => (m.contents ?? []).map((c) => c.language || '*').join(', ') },
    { id: 'priority', header: t('device.display.priority'), sort: 'priority', cell: (m) => t(`device.display.priorities.${m.priority ?? 'NormalCycle'}`) },
    { id: 'state', header: t('device.display.state'), cell: (m) => (m.state ? t(`device.display.states.${m.state}`) : t('device.display.always')) },
    { id: 'until', header: t('device.display.end'), cell: (m) => (m.end_at ? <Instant at={m.end_at} /> : NONE) },
    { id: 'created', header: t('device.display.created'), sort: 'created_at', width: 150, cell: (m) => <Instant at={m.created_at} form="date" /> },
  ]
}
