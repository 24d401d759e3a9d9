import { Alert, Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useChange, type Credentials, type Station } from '../../../api'
import { CopyField, IconAlert, ProblemAlert } from '../../../design'

/** A new password to be typed into the station: shown this once. */
export function NewPassword({ station, onClose }: { station: Station; onClose: () => void }) {
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
