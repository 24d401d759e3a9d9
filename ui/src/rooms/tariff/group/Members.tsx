import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, useChange, useList, useMay, type TariffMember } from '../../../api'
import { Empty, IconPlus, IconUsers, Instant, InstantInput, ListView, NONE, Panel, ProblemAlert, useConfirm, useLocalListState, type Column, type FilterDef } from '../../../design'

const PATH = '/tariff-members'
const AUDIENCES = ['partner', 'fleet', 'subscription', 'driver_group'] as const

/** Which tokens and drivers belong to which audience. */
export function Members() {
  const { t } = useTranslation()
  const state = useLocalListState('')
  const list = useList<TariffMember>(PATH, state.params)
  const may = useMay('tariff.write')
  const [open, setOpen] = useState(false)
  const confirm = useConfirm()
  const end = useChange((id: string) => del(`${PATH}/${encodeURIComponent(id)}`), [PATH])
  const ask = (m: TariffMember) =>
    confirm.ask({ title: t('tariff.member.end'), text: `${t(`tariff.audience.${m.audience as 'fleet'}`)} ${m.ref}: ${m.id_token ?? m.driver ?? ''}`, action: t('tariff.member.end'), run: () => end.run(m.id) })
  const columns: Column<TariffMember>[] = [
    { id: 'who', header: t('tariff.member.who'), card: 'lead', cell: (m) => <code>{m.id_token ?? m.driver ?? NONE}</code> },
    { id: 'audience', header: t('tariff.audience.label'), cell: (m) => t(`tariff.audience.${m.audience as 'fleet'}`) },
    { id: 'ref', header: t('tariff.group.ref'), cell: (m) => m.ref },
    { id: 'from', header: t('tariff.member.from'), cell: (m) => <Instant at={m.valid_from} form="date" /> },
    { id: 'to', header: t('tariff.member.until'), cell: (m) => <Instant at={m.valid_to} form="date" /> },
    {
      id: 'do',
      header: '',
      width: 120,
      cell: (m) =>
        may && !m.valid_to ? (
          <Button size="compact-xs" variant="default" onClick={() => ask(m)}>
            {t('tariff.member.end')}
          </Button>
        ) : null,
    },
  ]
  const filters: FilterDef[] = [{ field: 'audience', label: t('tariff.audience.label'), kind: 'enum', options: AUDIENCES.map((value) => ({ value, label: t(`tariff.audience.${value}`) })) }]
  const add = may && (
    <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setOpen(true)}>
      {t('tariff.member.add')}
    </Button>
  )
  return (
    <Panel title={t('tariff.member.title')} actions={add} flush>
      {confirm.dialog}
      <ListView
        name="tariff-members"
        label={t('tariff.member.title')}
        list={list}
        state={state}
        columns={columns}
        filters={filters}
        rowKey={(m) => m.id}
        empty={
          <Empty icon={<IconUsers size={22} aria-hidden />} title={t('tariff.member.none')}>
            {t('tariff.member.noneHint')}
          </Empty>
        }
      />
      {open && <MemberDialog onClose={() => setOpen(false)} />}
    </Panel>
  )
}

function MemberDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState({ audience: 'driver_group', ref: '', id_token: '', valid_to: undefined as string | undefined })
  const save = useChange((body: unknown) => post(PATH, body), [PATH])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void save.run(draft).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={t('tariff.member.add')}>
      <form onSubmit={submit}>
        <Stack>
          <Select label={t('tariff.audience.label')} data={AUDIENCES.map((value) => ({ value, label: t(`tariff.audience.${value}`) }))} value={draft.audience} onChange={(v) => setDraft({ ...draft, audience: v ?? 'driver_group' })} allowDeselect={false} />
          <TextInput label={t('tariff.group.ref')} required maxLength={100} value={draft.ref} onChange={(e) => setDraft({ ...draft, ref: e.currentTarget.value })} />
          <TextInput label={t('session.field.idToken')} required maxLength={255} value={draft.id_token} onChange={(e) => setDraft({ ...draft, id_token: e.currentTarget.value })} />
          <InstantInput label={t('tariff.member.until')} value={draft.valid_to} onChange={(valid_to) => setDraft({ ...draft, valid_to })} />
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={save.busy}>
              {t('design.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
