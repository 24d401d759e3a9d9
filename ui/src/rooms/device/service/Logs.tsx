import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPath, useList, useMay, type DeviceLog } from '../../../api'
import { Empty, IconDownload, IconFile, Instant, ListView, NONE, Panel, TextButton, useLocalListState, type Column, type FilterDef } from '../../../design'
import { LogBadge } from '../firmware/state'
import { AskLog } from './AskLog'
import { logContent, LogDialog } from './LogDialog'

const STATES = ['asked', 'requested', 'uploading', 'uploaded', 'partial', 'failed', 'cancelled'] as const

/** The logs that were asked of a station, and the way to the files that came. */
export function Logs({ station }: { station: string }) {
  const { t } = useTranslation()
  const state = useLocalListState('-created_at')
  const list = useList<DeviceLog>(`${stationPath(station)}/logs`, state.params, { limit: 20, refetchInterval: 4_000 })
  const [asking, setAsking] = useState(false)
  const [open, setOpen] = useState<DeviceLog>()
  const may = useMay('device.write')
  const filters: FilterDef[] = [
    { field: 'state', label: t('device.field.status'), kind: 'enum', options: STATES.map((s) => ({ value: s, label: t(`device.log.state.${s}`) })) },
    { field: 'type', label: t('device.log.type'), kind: 'text' },
  ]
  return (
    <Panel
      title={t('device.log.title')}
      flush
      actions={
        may && (
          <Button size="xs" onClick={() => setAsking(true)} data-testid="log-ask">
            {t('device.log.ask')}
          </Button>
        )
      }
    >
      <ListView
        name="logs"
        label={t('device.log.title')}
        list={list}
        state={state}
        columns={useColumns(setOpen)}
        filters={filters}
        rowKey={(x) => x.id}
        onOpen={setOpen}
        empty={
          <Empty icon={<IconFile size={22} aria-hidden />} title={t('device.log.none')}>
            {t('device.log.noneHint')}
          </Empty>
        }
      />
      {asking && <AskLog station={station} onClose={() => setAsking(false)} />}
      {open && <LogDialog log={open} mayDelete={may} onClose={() => setOpen(undefined)} />}
    </Panel>
  )
}

function useColumns(open: (x: DeviceLog) => void): Column<DeviceLog>[] {
  const { t } = useTranslation()
  return [
    { id: 'type', header: t('device.log.type'), sort: 'type', card: 'lead', cell: (x) => <TextButton onClick={() => open(x)}>{t(`device.log.types.${x.type}`, { defaultValue: x.type })}</TextButton> },
    { id: 'state', header: t('device.field.status'), sort: 'state', card: 'badge', width: 160, cell: (x) => <LogBadge state={x.state} /> },
    { id: 'asked', header: t('device.log.askedAt'), sort: 'created_at', cell: (x) => <Instant at={x.created_at} /> },
    { id: 'file', header: t('device.log.file'), cell: (x) => <span title={x.told_name}>{x.told_name || NONE}</span> },
    { id: 'reason', header: t('device.template.why'), cell: (x) => <span title={x.reason}>{x.reason || NONE}</span> },
    {
      id: 'get',
      header: '',
      width: 150,
      cell: (x) =>
        x.state === 'uploaded' || x.state === 'partial' ? (
          <Button component="a" href={logContent(x.id)} size="compact-xs" variant="light" leftSection={<IconDownload size={13} aria-hidden />} data-testid="log-download">
            {t('device.download')}
          </Button>
        ) : null,
    },
  ]
}
