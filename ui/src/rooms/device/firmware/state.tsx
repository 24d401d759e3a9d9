import { useTranslation } from 'react-i18next'
import type { DeviceLog, FirmwareTask, FirmwareUpdate } from '../../../api'
import { ToneBadge, type Tone } from '../../../design'

export const UPDATE_STATES = ['running', 'paused', 'finished', 'cancelled'] as const
export const TASK_STATES = ['waiting', 'sending', 'requested', 'downloading', 'downloaded', 'installing', 'installed', 'verified', 'unverified', 'failed', 'skipped', 'cancelled'] as const

const UPDATE: Record<FirmwareUpdate['state'], Tone> = { running: 'active', paused: 'wait', finished: 'good', cancelled: 'idle' }

const TASK: Record<FirmwareTask['state'], Tone> = {
  waiting: 'idle',
  sending: 'active',
  requested: 'active',
  downloading: 'active',
  downloaded: 'active',
  installing: 'active',
  installed: 'active',
  verified: 'good',
  unverified: 'wait',
  failed: 'bad',
  skipped: 'idle',
  cancelled: 'idle',
}

const LOG: Record<DeviceLog['state'], Tone> = { asked: 'active', requested: 'active', uploading: 'active', uploaded: 'good', partial: 'wait', failed: 'bad', cancelled: 'idle' }

export function UpdateBadge({ state }: { state: FirmwareUpdate['state'] }) {
  const { t } = useTranslation()
  return <ToneBadge tone={UPDATE[state]}>{t(`device.firmware.updateState.${state}`)}</ToneBadge>
}

export function TaskBadge({ state }: { state: FirmwareTask['state'] }) {
  const { t } = useTranslation()
  return (
    <ToneBadge tone={TASK[state]} pulse={TASK[state] === 'active'}>
      {t(`device.firmware.taskState.${state}`)}
    </ToneBadge>
  )
}

export function LogBadge({ state }: { state: DeviceLog['state'] }) {
  const { t } = useTranslation()
  return (
    <ToneBadge tone={LOG[state]} pulse={LOG[state] === 'active'}>
      {t(`device.log.state.${state}`)}
    </ToneBadge>
  )
}
