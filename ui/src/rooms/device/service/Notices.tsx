import { Modal } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPath, useList, type Notice } from '../../../api'
import { Empty, IconMessage, Instant, Json, ListView, Panel, TextButton, useLocalListState, type Column, type FilterDef } from '../../../design'
import css from '../device.module.css'

/** What a station told without being asked and that has no page of its own. */
export function Notices({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const state = useLocalListState('-at')
  const list = useList<Notice>(`${stationPath(station)}/notices`, state.params, { limit: 20 })
  const [open, setOpen] = useState<Notice>()
  const filters: FilterDef[] = [
    { field: 'kind', label: t('device.notice.kind'), kind: 'text' },
    { field: 'at', label: t('device.event.at'), kind: 'time' },
  ]
  const columns: Column<Notice>[] = [
    { id: 'at', header: t('device.event.at'), sort: 'at', card: 'lead', width: 190, cell: (n) => <Instant at={n.at} zone={zone} form="timeSeconds" /> },
    { id: 'kind', header: t('device.notice.kind'), width: 280, cell: (n) => <TextButton onClick={() => setOpen(n)}>{n.kind}</TextButton> },
    { id: 'payload', header: t('device.notice.content'), card: 'no', cell: (n) => <code className={css.dim}>{JSON.stringify(n.payload)}</code> },
  ]
  return (
    <Panel title={t('device.notice.title')} flush>
      <ListView name="notices" label={t('device.notice.title')} list={list} state={state} columns={columns} filters={filters} rowKey={(n) => n.id} onOpen={setOpen} empty={<Empty icon={<IconMessage size={22} aria-hidden />} title={t('device.notice.none')} />} />
      {open && (
        <Modal opened onClose={() => setOpen(undefined)} size="lg" title={open.kind}>
          <Json value={open.payload} />
        </Modal>
      )}
    </Panel>
  )
}
