import { Button, Menu, ActionIcon } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { patch, useChange, useList, useMay, type IdToken } from '../../api'
import {
  Empty,
  IconChevronDown,
  IconId,
  IconPlus,
  Instant,
  ListView,
  NONE,
  Page,
  Panel,
  ProblemAlert,
  ToneBadge,
  useUrlListState,
  type Column,
  type FilterDef,
  type Tone,
} from '../../design'
import { IdTokenDialog } from './IdTokenDialog'

/** "expired" follows from the date and is not set. */
const SETTABLE = ['active', 'blocked', 'lost'] as const
const TONE: Record<IdToken['status'], Tone> = { active: 'good', blocked: 'bad', expired: 'idle', lost: 'wait' }

export function IdTokensPage() {
  const { t } = useTranslation()
  const state = useUrlListState('id_token')
  const list = useList<IdToken>('/id-tokens', state.params)
  const [adding, setAdding] = useState(false)
  const may = useMay('token.write')
  const change = useChange(
    ({ token, status }: { token: IdToken; status: string }) => patch<IdToken>(`/id-tokens/${encodeURIComponent(token.id_token)}`, { status }),
    ['/id-tokens'],
  )
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
      {t('access.add')}
    </Button>
  )
  const setStatus = (token: IdToken, status: string) => void change.run({ token, status }).catch(() => undefined)
  return (
    <Page title={t('access.title')} subtitle={t('access.hint')} actions={add}>
      <ProblemAlert problem={change.problem} />
      <Panel flush>
        <ListView
          name="id-tokens"
          label={t('access.title')}
          list={list}
          state={state}
          columns={useColumns(may ? setStatus : undefined)}
          filters={useFilters()}
          search={{ param: 'id_token[contains]', placeholder: t('access.search') }}
          rowKey={(x) => `${x.type}/${x.id_token}`}
          empty={
            <Empty icon={<IconId size={22} aria-hidden />} title={t('access.empty')} action={add}>
              {t('access.emptyHint')}
            </Empty>
          }
        />
      </Panel>
      {adding && <IdTokenDialog onClose={() => setAdding(false)} />}
    </Page>
  )
}

function useColumns(setStatus?: (token: IdToken, status: string) => void): Column<IdToken>[] {
  const { t } = useTranslation()
  const columns: Column<IdToken>[] = [
    { id: 'token', header: t('access.field.id_token'), sort: 'id_token', card: 'lead', cell: (x) => <code>{x.id_token}</code> },
    {
      id: 'status',
      header: t('session.field.status'),
      sort: 'status',
      card: 'badge',
      cell: (x) => <ToneBadge tone={TONE[x.status]}>{t(`access.status.${x.status}`)}</ToneBadge>,
    },
    { id: 'type', header: t('access.field.type'), sort: 'type', cell: (x) => x.type },
    { id: 'group', header: t('access.field.group'), cell: (x) => x.group || NONE },
    { id: 'driver', header: t('access.field.driver'), cell: (x) => x.driver || NONE },
    { id: 'expiry', header: t('access.field.expiry'), sort: 'expiry', cell: (x) => <Instant at={x.expiry} /> },
    { id: 'max', header: t('access.field.max_sessions'), hidden: true, align: 'right', cell: (x) => x.max_sessions ?? NONE },
  ]
  if (setStatus) columns.push({ id: 'change', header: t('access.change'), card: 'no', cell: (x) => <StatusMenu token={x} set={setStatus} /> })
  return columns
}

function StatusMenu({ token, set }: { token: IdToken; set: (token: IdToken, status: string) => void }) {
  const { t } = useTranslation()
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('access.changeStatus', { token: token.id_token })}>
          <IconChevronDown size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SETTABLE.filter((s) => s !== token.status).map((s) => (
          <Menu.Item key={s} onClick={() => set(token, s)}>
            {t(`access.set.${s}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function useFilters(): FilterDef[] {
  const { t } = useTranslation()
  return [
    {
      field: 'status',
      label: t('session.field.status'),
      kind: 'enum',
      options: SETTABLE.map((s) => ({ value: s, label: t(`access.status.${s}`) })),
    },
    { field: 'type', label: t('access.field.type'), kind: 'text' },
    { field: 'expiry', label: t('access.field.expiry'), kind: 'time' },
  ]
}
