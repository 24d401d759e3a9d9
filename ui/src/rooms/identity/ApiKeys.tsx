import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { del, fieldErrors, post, useChange, useList, useMay, type ApiKey, type NewApiKey } from '../../api'
import { Ago, CopyField, Empty, IconAlert, IconKey, IconPlus, Instant, ListView, Panel, ProblemAlert, useLocalListState, type Column } from '../../design'
import { useNames } from './useNames'

export function ApiKeys() {
  const { t } = useTranslation()
  const state = useLocalListState('-created_at')
  const list = useList<ApiKey>('/api-keys', state.params)
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<ApiKey>()
  const may = useMay('apikey.write')
  const add = may && (
    <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setAdding(true)}>
      {t('identity.addKey')}
    </Button>
  )
  return (
    <Panel flush title={t('identity.apiKeys')} actions={add}>
      <ListView
        name="api-keys"
        label={t('identity.apiKeys')}
        list={list}
        state={state}
        columns={useColumns(may ? setRemoving : undefined)}
        rowKey={(k) => k.id}
        empty={
          <Empty icon={<IconKey size={22} aria-hidden />} title={t('identity.noKeys')}>
            {t('identity.noKeysHint')}
          </Empty>
        }
      />
      {adding && <KeyDialog onClose={() => setAdding(false)} />}
      {removing && <RemoveDialog apiKey={removing} onClose={() => setRemoving(undefined)} />}
    </Panel>
  )
}

function useColumns(remove?: (k: ApiKey) => void): Column<ApiKey>[] {
  const { t } = useTranslation()
  const names = useNames()
  const columns: Column<ApiKey>[] = [
    { id: 'name', header: t('identity.field.name'), sort: 'name', card: 'lead', cell: (k) => <strong>{k.name}</strong> },
    { id: 'role', header: t('identity.field.role'), cell: (k) => names.role(k.role) },
    { id: 'organisation', header: t('identity.field.organisation'), cell: (k) => names.organisation(k.organisation) },
    { id: 'created', header: t('identity.field.created'), sort: 'created_at', cell: (k) => <Instant at={k.created_at} form="date" /> },
    { id: 'used', header: t('identity.field.lastUsed'), cell: (k) => <Ago at={k.last_used_at} /> },
    { id: 'expires', header: t('identity.field.expires'), cell: (k) => <Instant at={k.expires_at} form="date" /> },
  ]
  if (remove) {
    columns.push({
      id: 'change',
      header: t('access.change'),
      cell: (k) => (
        <Button size="compact-xs" variant="default" onClick={() => remove(k)}>
          {t('identity.revoke')}
        </Button>
      ),
    })
  }
  return columns
}

function KeyDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const names = useNames()
  const [name, setName] = useState('')
  const [role, setRole] = useState<string | null>(null)
  const create = useChange((body: object) => post<NewApiKey>('/api-keys', body), ['/api-keys'])
  const errors = create.problem ? fieldErrors(create.problem) : {}
  const submit = (e: FormEvent) => {
    e.preventDefault()
    create.run({ name: name.trim(), role }).catch(() => undefined)
  }
  if (create.result?.key) {
    return (
      <Modal opened onClose={onClose} title={t('identity.keyDone')} size="lg">
        <Stack>
          <CopyField label={create.result.name} value={create.result.key} />
          <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
            {t('identity.keyOnce')}
          </Alert>
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('design.done')}</Button>
          </Group>
        </Stack>
      </Modal>
    )
  }
  return (
    <Modal opened onClose={onClose} title={t('identity.addKey')}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t('identity.field.name')}
            description={t('identity.keyNameHint')}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={errors.name}
            required
            data-autofocus
          />
          <Select label={t('identity.field.role')} data={names.roleOptions} value={role} onChange={setRole} error={errors.role} required />
          <ProblemAlert problem={create.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={create.busy} disabled={!role}>
              {t('identity.addKey')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function RemoveDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const { t } = useTranslation()
  const remove = useChange((id: string) => del(`/api-keys/${encodeURIComponent(id)}`), ['/api-keys'])
  return (
    <Modal opened onClose={onClose} title={t('identity.revokeTitle', { name: apiKey.name })}>
      <Stack>
        <Text size="sm">{t('identity.revokeHint')}</Text>
        <ProblemAlert problem={remove.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button color="red" loading={remove.busy} onClick={() => void remove.run(apiKey.id).then(onClose, () => undefined)}>
            {t('identity.revoke')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
