import { Alert, Button, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, type Certificate } from '../../api'
import { IconAlert, ProblemAlert } from '../../design'

const REASONS = ['unspecified', 'key_compromise', 'affiliation_changed', 'superseded', 'cessation_of_operation', 'privilege_withdrawn'] as const

export function RevokeDialog({ certificate: c, onClose }: { certificate: Certificate; onClose: () => void }) {
  const { t } = useTranslation()
  const [reason, setReason] = useState<string>('unspecified')
  const revoke = useChange(() => post<Certificate>(`/certificates/${encodeURIComponent(c.id)}/revoke`, { reason }), ['/certificate', '/charging-stations'])
  return (
    <Modal opened onClose={onClose} title={t('pki.revokeTitle')}>
      <Stack>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          <strong>{c.subject}</strong>
          <br />
          {c.station}
        </Text>
        <Select
          label={t('pki.reasonLabel')}
          data={REASONS.map((value) => ({ value, label: t(`pki.reason.${value}`) }))}
          value={reason}
          onChange={(v) => setReason(v ?? 'unspecified')}
          allowDeselect={false}
        />
        <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
          {t('pki.revokeHint')}
        </Alert>
        <ProblemAlert problem={revoke.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button color="red" loading={revoke.busy} onClick={() => void revoke.run(undefined).then(onClose, () => undefined)} data-testid="revoke-confirm">
            {t('pki.revoke')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
