import { Alert, Button, Checkbox, Group, Modal, Select, Stack } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useChange, type DeviceLog, type DeviceLogInput } from '../../../api'
import { InstantInput, ProblemAlert } from '../../../design'
import css from '../device.module.css'

const TYPES = ['DiagnosticsLog', 'SecurityLog', 'DataCollectorLog'] as const
const WAYS = ['http', 'ftp'] as const

/** Asks a station for a log; the answer says at once whether it will come. */
export function AskLog({ station, onClose }: { station: string; onClose: () => void }) {
  const { t } = useTranslation()
  const [wish, setWish] = useState<DeviceLogInput>({ type: 'DiagnosticsLog', via: 'http' })
  const path = stationPath(station)
  const ask = useChange((body: DeviceLogInput) => post<DeviceLog>(`${path}/logs`, body), [`${path}/logs`, '/logs'])
  const set = (change: Partial<DeviceLogInput>) => setWish({ ...wish, ...change })
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const made = await ask.run(wish).catch(() => undefined)
    if (made && made.state !== 'failed') onClose()
  }
  return (
    <Modal opened onClose={onClose} size="lg" title={t('device.log.ask')}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <div className={css.fields}>
            <Select label={t('device.log.type')} data={TYPES.map((x) => ({ value: x, label: t(`device.log.types.${x}`) }))} value={wish.type ?? null} onChange={(v) => v && set({ type: v as DeviceLogInput['type'] })} allowDeselect={false} />
            <Select label={t('device.log.via')} data={WAYS.map((x) => ({ value: x, label: x.toUpperCase() }))} value={wish.via ?? null} onChange={(v) => v && set({ via: v as DeviceLogInput['via'] })} allowDeselect={false} />
            <InstantInput label={t('device.log.oldest')} value={wish.oldest} onChange={(oldest) => set({ oldest })} />
            <InstantInput label={t('device.log.latest')} value={wish.latest} onChange={(latest) => set({ latest })} />
          </div>
          <Checkbox label={t('device.log.replace')} checked={wish.replace ?? false} onChange={(e) => set({ replace: e.currentTarget.checked })} />
          <Checkbox label={t('device.firmware.policy.login')} checked={wish.login ?? false} onChange={(e) => set({ login: e.currentTarget.checked })} />
          {ask.result?.state === 'failed' && (
            <Alert color="yellow" variant="light" role="status">
              {t('device.log.refused', { reason: ask.result.reason ?? '' })}
            </Alert>
          )}
          <ProblemAlert problem={ask.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={ask.busy} data-testid="log-send">
              {t('device.log.ask')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
