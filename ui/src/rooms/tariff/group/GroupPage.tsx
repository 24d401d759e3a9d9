import { Button, Checkbox, Group, TextInput } from '@mantine/core'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, put, query, useChange, useMay, useOne, type TariffGroup } from '../../../api'
import { Failed, Grid, InstantInput, Loading, Page, Panel, ProblemAlert, useConfirm } from '../../../design'
import css from '../tariff.module.css'
import { Entries } from './Entries'
import { Members } from './Members'
import { Places } from './Places'

const NEW = 'new'
const CHANGED = ['/tariff-groups', '/tariff-uses', '/charging-stations']
const blank = (): TariffGroup => ({ name: '', entries: [{ audience: 'default', tariff: '' }], places: [] })

/** One tariff group: what each audience pays, and where that holds. */
export function GroupPage() {
  const { t } = useTranslation()
  const { groupId } = useParams({ from: '/tariff-groups/$groupId' })
  const isNew = groupId === NEW
  const { data, problem, retry } = useOne<TariffGroup>(`/tariff-groups/${encodeURIComponent(groupId)}`, { enabled: !isNew })
  const group = isNew ? blank() : data
  const crumbs = [
    <Link key="groups" to="/pricing/{-$tab}" params={{ tab: 'groups' }} className="quiet">
      {t('tariff.section.groups')}
    </Link>,
  ]
  return (
    <Page title={isNew ? t('tariff.group.add') : (data?.name ?? '')} crumbs={crumbs} subtitle={t('tariff.group.hint')}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!group && !problem && <Loading />}
      {group && <Editor key={data?.updated_at ?? groupId} group={group} id={isNew ? undefined : groupId} />}
    </Page>
  )
}

function Editor({ group, id }: { group: TariffGroup; id?: string }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const may = useMay('tariff.write')
  const [draft, setDraft] = useState(group)
  const [from, setFrom] = useState<string>()
  const confirm = useConfirm()
  const path = `/tariff-groups/${encodeURIComponent(id ?? '')}`
  const save = useChange((g: TariffGroup) => (id ? put<TariffGroup>(`${path}${query({ valid_from: from })}`, g) : post<TariffGroup>('/tariff-groups', g)), CHANGED)
  const leave = () => navigate({ to: '/pricing/{-$tab}', params: { tab: 'groups' } })
  const end = useChange(() => del(path).then(leave), CHANGED)
  const set = (change: Partial<TariffGroup>) => setDraft({ ...draft, ...change })
  const store = async () => {
    const done = await save.run({ name: draft.name.trim(), closed: draft.closed, entries: draft.entries, places: draft.places }).catch(() => undefined)
    if (done?.id && !id) void navigate({ to: '/tariff-groups/$groupId', params: { groupId: done.id } })
  }
  const ask = () => confirm.ask({ title: t('tariff.group.endTitle', { name: group.name }), text: t('tariff.group.endHint'), action: t('tariff.group.end'), run: () => end.run(undefined) })
  const ready = draft.name.trim() !== '' && draft.entries.every((e) => e.tariff !== '')
  return (
    <Grid>
      {confirm.dialog}
      <Panel>
        <div className={css.fields} style={{ alignItems: 'start' }}>
          <TextInput label={t('tariff.group.name')} required maxLength={100} value={draft.name} onChange={(e) => set({ name: e.currentTarget.value })} readOnly={!may} data-testid="group-name" />
          <Checkbox mt={28} label={t('tariff.group.closed')} description={t('tariff.group.closedHelp')} checked={draft.closed ?? false} onChange={(e) => set({ closed: e.currentTarget.checked })} disabled={!may} />
        </div>
      </Panel>
      <div className={css.halves}>
        <Panel title={t('tariff.group.entries')}>
          <Entries rows={draft.entries} onChange={(entries) => set({ entries })} readOnly={!may} />
        </Panel>
        <Panel title={t('tariff.group.places')}>
          <Places rows={draft.places} onChange={(places) => set({ places })} readOnly={!may} />
        </Panel>
      </div>
      <ProblemAlert problem={save.problem} />
      {may && (
        <Group justify="space-between" align="end">
          <Group align="end">
            {id && <InstantInput label={t('tariff.group.from')} value={from} onChange={setFrom} />}
            <Button loading={save.busy} disabled={!ready} onClick={() => void store()} data-testid="group-save">
              {t('design.save')}
            </Button>
          </Group>
          {id && (
            <Button color="red" variant="subtle" onClick={ask}>
              {t('tariff.group.end')}
            </Button>
          )}
        </Group>
      )}
      <Members />
    </Grid>
  )
}
