import { ActionIcon, Button, Group, Menu, Modal, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, stationPath, STATIONS, useChange, useMay, type Station } from '../../../api'
import { IconDots, ProblemAlert } from '../../../design'
import { NewPassword } from './NewPassword'

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
