import { Modal, Stack } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPath, useList, useOne, type FirmwareTask } from '../../../api'
import { Ago, Empty, Facts, Failed, IconCpu, Instant, ListView, Loading, NONE, TextButton, useLocalListState, type Column, type FilterDef } from '../../../design'
import { StationLink } from '../StationLink'
import { Steps } from '../Steps'
import { TASK_STATES, TaskBadge } from './state'

interface Props {
  /** The stations of one update, or the updates of one station. */
  update?: string
  station?: string
}

export function TaskList({ update, station }: Props) {
  const { t } = useTranslation()
  const state = useLocalListState(update ? 'position' : '-created_at')
  const path = station ? `${stationPath(station)}/firmware-tasks` : '/firmware-tasks'
  const list = useList<FirmwareTask>(path, update ? { ...state.params, update } : state.params, { refetchInterval: 4_000 })
  const [open, setOpen] = useState<FirmwareTask>()
  const filters: FilterDef[] = [
    { field: 'state', label: t('device.field.status'), kind: 'enum', options: TASK_STATES.map((s) => ({ value: s, label: t(`device.firmware.taskState.${s}`) })) },
    ...(update ? [{ field: 'station', label: t('device.station'), kind: 'text' as const }] : []),
  ]
  return (
    <>
      <ListView
        name="firmware-tasks"
        label={t('device.firmware.stations')}
        list={list}
        state={state}
        columns={useColumns(setOpen, station !== undefined)}
        filters={filters}
        rowKey={(x) => x.id}
        onOpen={setOpen}
        empty={<Empty icon={<IconCpu size={22} aria-hidden />} title={t('device.firmware.noTasks')} />}
      />
      {open && <TaskDialog task={open} onClose={() => setOpen(undefined)} />}
    </>
  )
}

function useColumns(open: (x: FirmwareTask) => void, one: boolean): Column<FirmwareTask>[] {
  const { t } = useTranslation()
  const lead: Column<FirmwareTask> = one
    ? { id: 'to', header: t('device.firmware.version'), sort: 'to_version', card: 'lead', cell: (x) => <TextButton onClick={() => open(x)}>{x.to_version}</TextButton> }
    : { id: 'station', header: t('device.station'), sort: 'station', card: 'lead', cell: (x) => <StationLink station={x.station} tab="service" /> }
  return [
    lead,
    { id: 'state', header: t('device.field.status'), sort: 'state', card: 'badge', width: 170, cell: (x) => <TaskBadge state={x.state} /> },
    { id: 'from', header: t('device.firmware.from'), cell: (x) => x.from_version || NONE },
    { id: 'status', header: t('device.firmware.told'), cell: (x) => x.status || NONE },
    { id: 'reason', header: t('device.template.why'), cell: (x) => <span title={x.reason}>{x.reason || NONE}</span> },
    { id: 'next', header: t('device.firmware.next'), hidden: true, cell: (x) => <Ago at={x.next_at} /> },
    { id: 'ended', header: t('device.firmware.ended'), cell: (x) => (x.finished_at ? <Instant at={x.finished_at} /> : NONE) },
    { id: 'steps', header: '', width: 110, cell: (x) => <TextButton onClick={() => open(x)}>{t('device.firmware.steps')}</TextButton> },
  ]
}

function TaskDialog({ task, onClose }: { task: FirmwareTask; onClose: () => void }) {
  const { t } = useTranslation()
  const { data, problem, retry } = useOne<FirmwareTask>(`/firmware-tasks/${encodeURIComponent(task.id)}`, { refetchInterval: 3_000 })
  return (
    <Modal opened onClose={onClose} size="lg" title={t('device.firmware.taskOf', { station: task.station, version: task.to_version })}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!data && !problem && <Loading />}
      {data && (
        <Stack>
          <TaskBadge state={data.state} />
          <Facts
            items={[
              [t('device.firmware.from'), data.from_version],
              [t('device.firmware.told'), data.status],
              [t('device.template.why'), data.reason],
              [t('device.firmware.attempts'), String(data.attempts)],
              [
                t('device.firmware.partOf'),
                <Link key="u" to="/firmware-updates/$updateId" params={{ updateId: data.update }} className="link">
                  {t('device.firmware.openUpdate')}
                </Link>,
              ],
            ]}
          />
          <Steps steps={data.steps} />
        </Stack>
      )}
    </Modal>
  )
}
