import { ActionIcon, Alert, Button, Checkbox, Group, Menu, Modal, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, stationPath, STATIONS, useChange, useMay, type Credentials, type Station } from '../../../api'
import { CopyField, IconAlert, IconDots, ProblemAlert } from '../../../design'

/** What is seldom done to a station and not lightly: a new password, taking it out of the inventory. */
export function StationMenu({ station }: { station: Station }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState<'password' | 'retire'>()
  if (!useMay('station.write')) return null
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={t('station.more')}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setOpen('password')}>{t('station.password.title')}</Menu.Item>
          <Menu.Item color="red" onClick={() => setOpen('retire')}>
            {t('station.retire.title')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {open === 'password' && <NewPassword station={station} onClose={() => setOpen(undefined)} />}
      {open === 'retire' && <Retire station={station} onClose={() => setOpen(undefined)} />}
    </>
  )
}

function NewPassword({ station, onClose }: { station: Station; onClose: () => void }) {
  const { t } = useTranslation()
  const [now, setNow] = useState(false)
  const rotate = useChange((revoke_old: boolean) => post<Credentials>(`${stationPath(station.id)}/credentials`, { revoke_old }), [stationPath(station.id)])
  const made = rotate.result
  return (
    <Modal opened onClose={onClose} title={t('station.password.title')} size="lg">
      <Stack>
        {made ? (
          <>
            <CopyField label={t('station.add.url')} value={made.url} />
            <CopyField label={t('station.add.user')} value={made.user} />
            <CopyField label={t('station.add.password')} value={made.password} />
            <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
              {t('station.add.once')}
            </Alert>
          </>
        ) : (
          <>
            <Text size="sm">{t('station.password.hint')}</Text>
            <Checkbox label={t('station.password.now')} checked={now} onChange={(e) => setNow(e.currentTarget.checked)} />
          </>
        )}
        <ProblemAlert problem={rotate.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {made ? t('design.done') : t('design.cancel')}
          </Button>
          {!made && (
            <Button loading={rotate.busy} onClick={() => void rotate.run(now).catch(() => undefined)}>
              {t('station.password.title')}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  )
}

function Retire({ station, onClose }: { station: Station; onClose: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const retire = useChange(() => del(stationPath(station.id)), [STATIONS])
  const run = () => retire.run(undefined).then(() => navigate({ to: '/stations' }), () => undefined)
  return (
    <Modal opened onClose={onClose} title={t('station.retire.title')}>
      <Stack>
        <Text size="sm">{t('station.retire.hint', { id: station.id })}</Text>
        <ProblemAlert problem={retire.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button color="red" loading={retire.busy} onClick={() => void run()}>
            {t('station.retire.title')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
