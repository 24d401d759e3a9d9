import { Button, SegmentedControl, Group } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useBlocker, useNavigate, useParams } from '@tanstack/react-router'
import { useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, post, put, useChange, useMe, useOne, type Tariff, type TariffPreview } from '../../../api'
import { Failed, Grid, IconPlus, InstantInput, Loading, Page, Panel, ProblemAlert } from '../../../design'
import css from '../tariff.module.css'
import { Basics } from './Basics'
import { Beyond } from './Beyond'
import { blankElement, blankTariff, cleaned, moved, writable } from './draft'
import { ElementCard } from './ElementCard'
import { Faults, faultsOf } from './errors'
import { JsonTab } from './JsonTab'
import { takePrefill } from './prefill'
import { PreviewPane } from './PreviewPane'
import { Unsaved } from './Unsaved'

/** A new tariff, or a new version of one. */
export function EditorPage() {
  const { t } = useTranslation()
  const { tariffId } = useParams({ from: '/tariff-editor/{-$tariffId}' })
  const me = useMe().me
  const stored = useOne<Tariff>(`/tariffs/${encodeURIComponent(tariffId ?? '')}`, { enabled: tariffId !== undefined })
  const [started] = useState(() => takePrefill())
  const first = tariffId ? stored.data && writable(stored.data) : (started ?? blankTariff(me?.organisation.currency ?? 'EUR'))
  const crumbs = [
    <Link key="tariffs" to="/tariffs" className="quiet">
      {t('tariff.title')}
    </Link>,
    ...(tariffId
      ? [
          <Link key="tariff" to="/tariffs/$tariffId/{-$tab}" params={{ tariffId, tab: undefined }} className="quiet">
            {tariffId}
          </Link>,
        ]
      : []),
  ]
  return (
    <Page title={tariffId ? t('tariff.newVersion') : t('tariff.add')} crumbs={crumbs} subtitle={t('tariff.edit.hint')}>
      {stored.problem && tariffId && <Failed problem={stored.problem} retry={stored.retry} />}
      {!first && !stored.problem && <Loading />}
      {first && <Editor key={`${tariffId}/${stored.data?.version}`} first={first} id={tariffId} planned={toCome(stored.data?.valid_from)} fresh={Boolean(started)} />}
    </Page>
  )
}

interface EditorProps {
  first: Tariff
  id?: string
  /** When the newest version will hold, if it does not yet. */
  planned?: string
  /** Filled in by the wizard and not stored yet. */
  fresh: boolean
}

function Editor({ first, id, planned, fresh }: EditorProps) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(first)
  const [from, setFrom] = useState(id ? planned : undefined)
  const [mode, setMode] = useState('form')
  const leaving = useRef(false)
  const body = useMemo(() => cleaned(draft), [draft])
  const untouched = useMemo(() => JSON.stringify(cleaned(first)), [first])
  const dirty = fresh || JSON.stringify(body) !== untouched || from !== (id ? planned : undefined)
  const blocker = useBlocker({ shouldBlockFn: () => dirty && !leaving.current, enableBeforeUnload: () => dirty && !leaving.current, withResolver: true })
  const preview = usePreview(body)
  const save = useChange((b: Tariff) => (id ? put<Tariff>(`/tariffs/${encodeURIComponent(id)}`, { ...b, valid_from: from }) : post<Tariff>('/tariffs', b)), ['/tariffs', '/tariff-uses'])
  const store = async () => {
    const saved = await save.run(body).catch(() => undefined)
    if (!saved?.id) return
    leaving.current = true
    void navigate({ to: '/tariffs/$tariffId/{-$tab}', params: { tariffId: saved.id, tab: undefined } })
  }
  const update = (change: (d: Tariff) => void) =>
    setDraft((old) => {
      const next = structuredClone(old)
      change(next)
      return next
    })
  return (
    <Faults value={preview.faults}>
      {blocker.status === 'blocked' && <Unsaved stay={blocker.reset} leave={blocker.proceed} />}
      <Group justify="space-between" align="end" mb="md">
        <SegmentedControl
          aria-label={t('tariff.edit.mode')}
          value={mode}
          onChange={setMode}
          data={[
            { value: 'form', label: t('tariff.edit.form') },
            { value: 'json', label: t('tariff.edit.json') },
          ]}
        />
        <Group align="end">
          {id && <InstantInput label={t('tariff.edit.holdsFrom')} value={from} onChange={setFrom} />}
          <Button onClick={() => void store()} loading={save.busy} disabled={preview.faults.length > 0 || !dirty} data-testid="tariff-save">
            {id ? t('tariff.edit.saveVersion') : t('tariff.edit.saveNew')}
          </Button>
        </Group>
      </Group>
      <ProblemAlert problem={save.problem} />
      <div className={css.split}>
        {mode === 'form' ? <Form draft={draft} update={update} fixedId={id !== undefined} /> : <JsonTab draft={draft} onChange={setDraft} />}
        <PreviewPane preview={preview.data} faults={preview.faults} problem={preview.problem} retry={preview.retry} />
      </div>
    </Faults>
  )
}

interface FormProps {
  draft: Tariff
  update: (change: (d: Tariff) => void) => void
  fixedId: boolean
}

function Form({ draft, update, fixedId }: FormProps) {
  const { t } = useTranslation()
  const elements = draft.elements ?? []
  const set = (next: typeof elements) => update((d) => (d.elements = next))
  return (
    <Grid>
      <Basics draft={draft} update={update} fixedId={fixedId} />
      <Panel title={t('tariff.elements')}>
        <p className={css.note}>{t('tariff.elementsHint')}</p>
        {elements.map((e, i) => (
          <ElementCard
            key={i}
            index={i}
            count={elements.length}
            element={e}
            currency={draft.currency ?? ''}
            change={(fn) =>
              update((d) => {
                const one = d.elements?.[i]
                if (one) fn(one)
              })
            }
            move={(by) => set(moved(elements, i, by))}
            copy={() => set([...elements.slice(0, i + 1), structuredClone(e), ...elements.slice(i + 1)])}
            remove={() => set(elements.filter((_, n) => n !== i))}
          />
        ))}
        <Button mt="md" variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => set([...elements, blankElement()])} data-testid="element-add">
          {t('tariff.edit.addElement')}
        </Button>
      </Panel>
      <Beyond draft={draft} update={update} />
    </Grid>
  )
}

const toCome = (at: string | undefined) => (at && Date.parse(at) > Date.now() ? at : undefined)

/** What the server makes of the draft, asked again a moment after each change. */
function usePreview(body: Tariff) {
  const [settled] = useDebouncedValue(body, 350)
  const q = useQuery({
    queryKey: ['tariff-preview', settled],
    queryFn: () => post<TariffPreview>('/tariffs/preview', { ...settled, id: settled.id || 'draft' }),
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 60_000,
  })
  const problem = q.error ? asProblem(q.error) : undefined
  const errors = problem?.errors
  const status = problem?.status
  const faults = useMemo(() => (status === 422 ? faultsOf(errors ?? []) : []), [status, errors])
  return { data: q.data, problem, faults, retry: () => void q.refetch() }
}
