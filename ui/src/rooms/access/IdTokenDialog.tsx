import { Button, Group, Modal, NumberInput, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, post, useChange, type IdToken } from '../../api'
import { ProblemAlert } from '../../design'

const TYPES = ['ISO14443', 'ISO15693', 'Central', 'eMAID', 'KeyCode', 'Local', 'MacAddress', 'VIN']

export function IdTokenDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [idToken, setIdToken] = useState('')
  const [type, setType] = useState('ISO14443')
  const [group, setGroup] = useState('')
  const [expiry, setExpiry] = useState('')
  const [max, setMax] = useState<string | number>('')
  const create = useChange((body: object) => post<IdToken>('/id-tokens', body), ['/id-tokens'])
  const errors = create.problem ? fieldErrors(create.problem) : {}
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const body: Record<string, unknown> = { id_token: idToken.trim(), type, status: 'active' }
    if (group.trim()) body.group = group.trim()
    if (expiry) body.expiry = new Date(expiry).toISOString()
    if (max !== '') body.max_sessions = Number(max)
    await create.run(body).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={t('access.add')}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <TextInput
            label={t('access.field.id_token')}
            description={t('access.tokenHint')}
            value={idToken}
            onChange={(e) => setIdToken(e.currentTarget.value)}
            error={errors.id_token}
            maxLength={255}
            required
            data-autofocus
          />
          <Select label={t('access.field.type')} data={TYPES} value={type} onChange={(v) => v && setType(v)} allowDeselect={false} error={errors.type} />
          <TextInput
            label={t('access.field.group')}
            description={t('access.groupHint')}
            value={group}
            onChange={(e) => setGroup(e.currentTarget.value)}
            error={errors.group}
          />
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput
              type="datetime-local"
              label={t('access.field.expiry')}
              value={expiry}
              onChange={(e) => setExpiry(e.currentTarget.value)}
              error={errors.expiry}
            />
            <NumberInput label={t('access.field.max_sessions')} value={max} onChange={setMax} min={1} error={errors.max_sessions} />
          </SimpleGrid>
          <ProblemAlert problem={create.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={create.busy}>
              {t('access.add')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
