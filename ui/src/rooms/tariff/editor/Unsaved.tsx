import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** Asks before a page with unsaved changes is left. */
export function Unsaved({ stay, leave }: { stay: () => void; leave: () => void }) {
  const { t } = useTranslation()
  return (
    <Modal opened onClose={stay} title={t('tariff.edit.unsaved')}>
      <Stack>
        <Text size="sm">{t('tariff.edit.unsavedHint')}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={stay} data-autofocus>
            {t('tariff.edit.stay')}
          </Button>
          <Button color="red" onClick={leave} data-testid="leave-unsaved">
            {t('tariff.edit.leave')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
