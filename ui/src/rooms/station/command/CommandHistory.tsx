import { Modal, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPath, useList, type Command } from '../../../api'
import { Ago, DataTable, Empty, Facts, Failed, IconSend, Instant, Json, NONE, Panel, TextButton, type Column } from '../../../design'
import { CommandBadge, CommandState } from './CommandState'

export function CommandHistory({ station }: { station: string }) {
  const { t } = useTranslation()
  const list = useList<Command>(`${stationPath(station)}/commands`, { sort: '-created_at' }, { limit: 20, refetchInterval: 10_000 })
  const [shown, setShown] = useState<Command>()
  const columns: Column<Command>[] = [
    { id: 'action', header: t('station.command.field.action'), card: 'lead', cell: (c) => <TextButton onClick={() => setShown(c)}>{c.action}</TextButton> },
    { id: 'status', header: t('station.field.status'), card: 'badge', cell: (c) => <CommandBadge status={c.status} /> },
    { id: 'at', header: t('station.command.at'), cell: (c) => <Ago at={c.created_at} /> },
    { id: 'actor', header: t('station.command.actor'), cell: (c) => c.actor_name || NONE },
    { id: 'detail', header: t('station.command.answer'), card: 'no', cell: (c) => <code>{c.error || brief(c.response)}</code> },
  ]
  return (
    <Panel title={t('station.command.history')} flush>
      {list.problem ? (
        <Failed problem={list.problem} retry={list.retry} />
      ) : (
        <DataTable
          label={t('station.command.history')}
          rows={list.rows}
          columns={columns}
          rowKey={(c) => c.id}
          loading={list.loading}
          onOpen={setShown}
          hasMore={list.hasMore}
          more={list.more}
          empty={
            <Empty icon={<IconSend size={22} aria-hidden />} title={t('station.command.none')}>
              {t('station.command.noneHint')}
            </Empty>
          }
        />
      )}
      {shown && <Details command={shown} onClose={() => setShown(undefined)} />}
    </Panel>
  )
}

function Details({ command: c, onClose }: { command: Command; onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Modal opened onClose={onClose} title={c.action} size="lg">
      <Stack>
        <Facts
          items={[
            [t('station.command.at'), <Instant key="at" at={c.created_at} />],
            [t('station.command.actor'), c.actor_name],
            [t('station.command.field.reason'), c.reason],
          ]}
        />
        <CommandState command={c} />
        <div>
          <div style={{ fontSize: 13, color: 'var(--ink-2)', marginBottom: 4 }}>{t('station.command.field.payload')}</div>
          <Json value={c.payload ?? {}} />
        </div>
      </Stack>
    </Modal>
  )
}

const brief = (response: unknown) => {
  const text = typeof response === 'string' ? response : JSON.stringify(response ?? '')
  return text === '""' ? NONE : text.slice(0, 80)
}
