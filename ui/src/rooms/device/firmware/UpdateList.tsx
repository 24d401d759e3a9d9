import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, type FirmwareUpdate } from '../../../api'
import { Empty, IconCpu, Instant, ListView, Panel, ToneBar, useFormat, useUrlListState, type Column, type FilterDef } from '../../../design'
import { NewUpdateButton } from './UpdateDialog'
import { UPDATE_STATES, UpdateBadge } from './state'

export function UpdateList() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const state = useUrlListState('-created_at')
  const list = useList<FirmwareUpdate>('/firmware-updates', state.params, { refetchInterval: 5_000 })
  const filters: FilterDef[] = [
    { field: 'state', label: t('device.field.status'), kind: 'enum', options: UPDATE_STATES.map((s) => ({ value: s, label: t(`device.firmware.updateState.${s}`) })) },
    { field: 'created_at', label: t('device.firmware.begun'), kind: 'time' },
  ]
  return (
    <Panel flush>
      <ListView
        name="firmware-updates"
        label={t('device.firmware.tab.updates')}
        list={list}
        state={state}
        columns={useColumns()}
        filters={filters}
        rowKey={(x) => x.id}
        onOpen={(x) => void navigate({ to: '/firmware-updates/$updateId', params: { updateId: x.id } })}
        empty={
          <Empty icon={<IconCpu size={22} aria-hidden />} title={t('device.firmware.noUpdates')} action={<NewUpdateButton />}>
            {t('device.firmware.noUpdatesHint')}
          </Empty>
        }
      />
    </Panel>
  )
}

/** How many stations are how far, for the bar. */
export const countsOf = (x: FirmwareUpdate) => ({ good: x.done, active: x.open, bad: x.failed, idle: x.waiting + x.left_out })

function useColumns(): Column<FirmwareUpdate>[] {
  const { t } = useTranslation()
  const f = useFormat()
  return [
    {
      id: 'version',
      header: t('device.firmware.version'),
      card: 'lead',
      cell: (x) => (
        <Link to="/firmware-updates/$updateId" params={{ updateId: x.id }} className="link">
          {x.version || x.image}
        </Link>
      ),
    },
    { id: 'state', header: t('device.field.status'), sort: 'state', card: 'badge', width: 150, cell: (x) => <UpdateBadge state={x.state} /> },
    { id: 'bar', header: t('device.firmware.progress'), width: 220, cell: (x) => <ToneBar counts={countsOf(x)} label={t('device.firmware.doneOf', { done: x.done, all: x.stations })} /> },
    { id: 'done', header: t('device.firmware.done'), align: 'right', width: 110, cell: (x) => `${f.number(x.done)} / ${f.number(x.stations)}` },
    { id: 'failed', header: t('device.firmware.failed'), align: 'right', width: 110, cell: (x) => f.number(x.failed) },
    { id: 'begun', header: t('device.firmware.begun'), sort: 'created_at', cell: (x) => <Instant at={x.created_at} /> },
  ]
}
