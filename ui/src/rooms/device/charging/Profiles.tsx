import { ActionIcon, Button, Modal, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useChange, useCommand, useList, useMay, type DeviceRequest, type InstalledProfile } from '../../../api'
import { Ago, Empty, IconBolt, IconRefresh, IconX, Json, ListView, NONE, Panel, ProblemAlert, TextButton, useLocalListState, type Column, type FilterDef } from '../../../design'
import { ScheduleChart } from './Composite'
import { limitsOf, scheduleOf, type Schedule } from './schedule'

/** The profiles a station reported, each with its schedule. */
export function Profiles({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const path = `${stationPath(station)}/charging-profiles`
  const state = useLocalListState('evse_id')
  const list = useList<InstalledProfile>(path, state.params, { refetchInterval: 15_000 })
  const refresh = useChange(() => post<DeviceRequest>(`${path}/refresh`), [path])
  const clear = useCommand(station)
  const [open, setOpen] = useState<InstalledProfile>()
  const mayAsk = useMay('device.write')
  const mayClear = useMay('station.command')
  const remove = (p: InstalledProfile) => void clear.send({ action: 'ClearChargingProfile', payload: { chargingProfileId: p.profile_id } }).then(() => (mayAsk ? refresh.run(undefined) : undefined)).catch(() => undefined)
  const filters: FilterDef[] = [
    { field: 'purpose', label: t('device.charging.purpose'), kind: 'text' },
    { field: 'evse_id', label: t('device.field.evse'), kind: 'number' },
    { field: 'source', label: t('device.charging.source'), kind: 'text' },
  ]
  return (
    <Panel
      title={t('device.charging.profiles')}
      flush
      actions={
        mayAsk && (
          <Button size="xs" variant="default" leftSection={<IconRefresh size={14} aria-hidden />} loading={refresh.busy} onClick={() => void refresh.run(undefined).catch(() => undefined)} data-testid="profiles-refresh">
            {t('device.refresh')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={refresh.problem ?? clear.problem} />
      <ListView
        name="charging-profiles"
        label={t('device.charging.profiles')}
        list={list}
        state={state}
        columns={useColumns(setOpen, mayClear ? remove : undefined)}
        filters={filters}
        rowKey={(p) => `${p.evse_id}/${p.profile_id}/${p.source}`}
        onOpen={setOpen}
        empty={
          <Empty icon={<IconBolt size={22} aria-hidden />} title={t('device.charging.noProfiles')}>
            {t('device.charging.noProfilesHint')}
          </Empty>
        }
      />
      {open && <ProfileDialog profile={open} zone={zone} onClose={() => setOpen(undefined)} />}
    </Panel>
  )
}

/** 2.x has a list of schedules, 1.6 one. */
function schedulesOf(p: InstalledProfile): Schedule[] {
  const told = (p.profile as { chargingSchedule?: unknown } | undefined)?.chargingSchedule
  return (Array.isArray(told) ? told : [told]).map((s) => scheduleOf(s, Date.parse(p.seen_at))).filter((s) => s !== undefined)
}

function useColumns(open: (p: InstalledProfile) => void, remove?: (p: InstalledProfile) => void): Column<InstalledProfile>[] {
  const { t } = useTranslation()
  return [
    { id: 'id', header: t('station.command.field.profile'), sort: 'profile_id', card: 'lead', width: 100, cell: (p) => <TextButton onClick={() => open(p)}>{p.profile_id}</TextButton> },
    { id: 'evse', header: t('device.field.evse'), sort: 'evse_id', width: 140, cell: (p) => (p.evse_id === 0 ? t('station.command.wholeStation') : p.evse_id) },
    { id: 'purpose', header: t('device.charging.purpose'), sort: 'purpose', cell: (p) => p.purpose },
    { id: 'limits', header: t('device.charging.limit'), cell: (p) => schedulesOf(p).map(limitsOf).join('; ') || NONE },
    { id: 'kind', header: t('device.charging.kind'), cell: (p) => p.kind },
    { id: 'stack', header: t('station.command.field.stackLevel'), sort: 'stack_level', align: 'right', width: 110, cell: (p) => p.stack_level },
    { id: 'source', header: t('device.charging.source'), width: 90, cell: (p) => p.source },
    { id: 'seen', header: t('device.field.updated'), sort: 'seen_at', width: 120, cell: (p) => <Ago at={p.seen_at} /> },
    {
      id: 'clear',
      header: '',
      width: 60,
      cell: (p) =>
        remove ? (
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('device.charging.clear', { id: p.profile_id })} title={t('device.charging.clear', { id: p.profile_id })} onClick={() => remove(p)}>
            <IconX size={15} aria-hidden />
          </ActionIcon>
        ) : null,
    },
  ]
}

function ProfileDialog({ profile: p, zone, onClose }: { profile: InstalledProfile; zone?: string; onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Modal opened onClose={onClose} size="lg" title={t('device.charging.profileIs', { id: p.profile_id })}>
      <Stack>
        {schedulesOf(p).map((s, i) => (
          <ScheduleChart key={i} schedule={s} zone={zone} label={t('device.charging.limit')} />
        ))}
        <Json value={p.profile} />
      </Stack>
    </Modal>
  )
}
