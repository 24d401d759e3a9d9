import { Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useChange, type Upgrade } from '../../../api'
import { ProblemAlert } from '../../../design'

/** A new password over the air: the station gets it, nobody sees it. */
export function RotateDialog({ station, onClose }: { station: string; onClose: () => void }) {
  const { t } = useTranslation()
  const [reset, setReset] = useState(false)
  const rotate = useChange(() => post<Upgrade>(`${stationPath(station)}/credentials/rotate`, { reset }), [stationPath(station)])
  return (
    <Modal opened onClose={onClose} title={t('security.rotate')}>
      <Stack>
        <Text size="sm">{t('security.rotateHint')}</Text>
        <Checkbox label={t('security.reset')} description={t('security.resetHint')} checked={reset} onChange={(e) => setReset(e.currentTarget.checked)} />
        <ProblemAlert problem={rotate.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button loading={rotate.busy} onClick={() => void rotate.run(undefined).then(onClose, () => undefined)} data-testid="rotate-confirm">
            {t('security.rotate')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
