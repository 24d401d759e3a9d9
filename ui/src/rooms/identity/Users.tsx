import { Button, Group, Modal, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, patch, post, useChange, useList, useMay, useMe, type User } from '../../api'
import { Empty, IconPlus, IconUsers, ListView, Panel, ProblemAlert, ToneBadge, useLocalListState, type Column } from '../../design'
import { useNames } from './useNames'

export function Users() {
  const { t } = useTranslation()
  const state = useLocalListState('email')
  const list = useList<User>('/users', state.params)
  const [adding, setAdding] = useState(false)
  const may = useMay('user.write')
  const change = useChange(({ id, ...body }: { id: string; disabled: boolean }) => patch<User>(`/users/${encodeURIComponent(id)}`, body), ['/users'])
  return (
    <Panel
      flush
      title={t('identity.users')}
      actions={
        may && (
          <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setAdding(true)}>
            {t('identity.addUser')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={change.problem} />
      <ListView
        name="users"
        label={t('identity.users')}
        list={list}
        state={state}
        columns={useColumns(may ? (u) => void change.run({ id: u.id, disabled: !u.disabled }).catch(() => undefined) : undefined)}
        search={{ param: 'email[contains]', placeholder: t('identity.searchUser') }}
        rowKey={(u) => u.id}
        empty={<Empty icon={<IconUsers size={22} aria-hidden />} title={t('identity.noUsers')} />}
      />
      {adding && <UserDialog onClose={() => setAdding(false)} />}
    </Panel>
  )
}

function useColumns(toggle?: (u: User) => void): Column<User>[] {
  const { t } = useTranslation()
  const names = useNames()
  const own = useMe().me?.user?.id
  const columns: Column<User>[] = [
    { id: 'name', header: t('identity.field.name'), sort: 'name', card: 'lead', cell: (u) => <strong>{u.name || u.email}</strong> },
    {
      id: 'state',
      header: t('session.field.status'),
      card: 'badge',
      cell: (u) => <ToneBadge tone={u.disabled ? 'idle' : 'good'}>{u.disabled ? t('identity.disabled') : t('identity.enabled')}</ToneBadge>,
    },
    { id: 'email', header: t('identity.field.email'), sort: 'email', cell: (u) => u.email },
    { id: 'role', header: t('identity.field.role'), cell: (u) => names.role(u.role) },
    { id: 'organisation', header: t('identity.field.organisation'), cell: (u) => names.organisation(u.organisation) },
  ]
  if (toggle) {
    columns.push({
      id: 'change',
      header: t('access.change'),
      cell: (u) =>
        u.id !== own && (
          <Button size="compact-xs" variant="default" onClick={() => toggle(u)}>
            {u.disabled ? t('identity.enable') : t('identity.disable')}
          </Button>
        ),
    })
  }
  return columns
}

function UserDialog({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation()
  const names = useNames()
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [role, setRole] = useState<string | null>(null)
  const [password, setPassword] = useState('')
  const create = useChange((body: object) => post<User>('/users', body), ['/users'])
  const errors = create.problem ? fieldErrors(create.problem) : {}
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    await create.run({ email: email.trim(), name: name.trim(), role, password, language: i18n.language }).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={t('identity.addUser')}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <TextInput label={t('identity.field.name')} value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name} required data-autofocus />
          <TextInput
            type="email"
            label={t('identity.field.email')}
            value={email}
            onChange={(e) => setEmail(e.currentTarget.value)}
            error={errors.email}
            autoComplete="off"
            required
          />
          <Select label={t('identity.field.role')} data={names.roleOptions} value={role} onChange={setRole} error={errors.role} required />
          <PasswordInput
            label={t('identity.field.password')}
            description={t('identity.passwordHint')}
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
            error={errors.password}
            autoComplete="new-password"
            minLength={12}
            required
          />
          <ProblemAlert problem={create.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={create.busy} disabled={!role}>
              {t('identity.addUser')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
