import { Button, Group, Modal, Stack, Textarea } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useList, useMay, type HeldPrice } from '../../api'
import { Empty, IconCheck, Instant, ListView, NONE, Page, Panel, ProblemAlert, ToneBadge, useFormat, useUrlListState, type Column, type FilterDef, type Tone } from '../../design'
import css from './billing.module.css'

const PATH = '/held-cdrs'
const STATES = ['held', 'released', 'replaced'] as const
const TONE: Record<HeldPrice['state'], Tone> = { held: 'bad', released: 'good', replaced: 'idle' }

/** Final prices that are not what was shown at the start: nobody is billed until somebody has looked. */
export function HeldPage() {
  const { t } = useTranslation()
  const state = useUrlListState('-held_at')
  const list = useList<HeldPrice>(PATH, state.params, { refetchInterval: 30_000 })
  const [chosen, setChosen] = useState<HeldPrice>()
  const may = useMay('tariff.write')
  const filters: FilterDef[] = [{ field: 'state', label: t('billing.held.state'), kind: 'enum', options: STATES.map((s) => ({ value: s, label: t(`billing.held.states.${s}`) })) }]
  const crumbs = [
    <Link key="cdrs" to="/cdrs" className="quiet">
      {t('billing.title')}
    </Link>,
  ]
  return (
    <Page title={t('billing.held.title')} subtitle={t('billing.held.hint')} crumbs={crumbs}>
      <Panel flush>
        <ListView
          name="held-cdrs"
          label={t('billing.held.title')}
          list={list}
          state={state}
          columns={useColumns(may ? setChosen : undefined)}
          filters={filters}
          rowKey={(h) => h.id}
          empty={
            <Empty icon={<IconCheck size={22} aria-hidden />} title={t('billing.held.none')}>
              {t('billing.held.noneHint')}
            </Empty>
          }
        />
      </Panel>
      {chosen && <Release held={chosen} onClose={() => setChosen(undefined)} />}
    </Page>
  )
}

function useColumns(release?: (h: HeldPrice) => void): Column<HeldPrice>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const money = (c: HeldPrice['cost']) => f.money({ amount: c.incl_vat, currency: c.currency })
  return [
    {
      id: 'session',
      header: t('billing.session'),
      card: 'lead',
      cell: (h) => (
        <Link to="/sessions/$sessionId" params={{ sessionId: h.session_id }} className="link">
          {h.station_id}
        </Link>
      ),
    },
    { id: 'state', header: t('billing.held.state'), card: 'badge', width: 130, cell: (h) => <ToneBadge tone={TONE[h.state]}>{t(`billing.held.states.${h.state}`)}</ToneBadge> },
    { id: 'quoted', header: t('billing.held.quoted'), align: 'right', cell: (h) => money(h.quoted) },
    { id: 'cost', header: t('billing.held.final'), align: 'right', cell: (h) => money(h.cost) },
    { id: 'why', header: t('billing.why'), cell: (h) => <span className={css.reason}>{h.reasons?.join('; ') || NONE}</span> },
    { id: 'at', header: t('billing.held.since'), sort: 'held_at', cell: (h) => <Instant at={h.held_at} /> },
    { id: 'note', header: t('billing.note'), hidden: true, cell: (h) => [h.note, h.actor].filter(Boolean).join(' – ') || NONE },
    {
      id: 'do',
      header: '',
      width: 130,
      cell: (h) =>
        release && h.state === 'held' ? (
          <Button size="compact-xs" variant="default" onClick={() => release(h)} data-testid="held-release">
            {t('billing.held.release')}
          </Button>
        ) : null,
    },
  ]
}

function Release({ held: h, onClose }: { held: HeldPrice; onClose: () => void }) {
  const { t } = useTranslation()
  const f = useFormat()
  const [note, setNote] = useState('')
  const release = useChange(() => post(`${PATH}/${encodeURIComponent(h.id)}/release`, { note: note.trim() }), [PATH, '/cdrs', '/sessions'])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void release.run(undefined).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={t('billing.held.releaseTitle')}>
      <form onSubmit={submit}>
        <Stack>
          <p style={{ margin: 0 }}>{t('billing.held.releaseHint', { quoted: f.money({ amount: h.quoted.incl_vat, currency: h.quoted.currency }), cost: f.money({ amount: h.cost.incl_vat, currency: h.cost.currency }) })}</p>
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {h.reasons?.map((x) => (
              <li key={x}>{x}</li>
            ))}
          </ul>
          <Textarea label={t('billing.held.note')} required maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} autosize minRows={2} data-autofocus />
          <ProblemAlert problem={release.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={release.busy} disabled={note.trim() === ''}>
              {t('billing.held.release')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
