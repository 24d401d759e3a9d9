import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useList, useMay, useMe, type PriceSeries } from '../../../api'
import { Ago, Empty, IconPlus, IconTag, Instant, ListView, NONE, Panel, ProblemAlert, ToneBadge, useUrlListState, type Column, type FilterDef } from '../../../design'
import css from '../tariff.module.css'

const PATH = '/price-series'

/** Electricity prices that tariffs follow. */
export function SeriesList() {
  const { t } = useTranslation()
  const state = useUrlListState('name')
  const list = useList<PriceSeries>(PATH, state.params, { refetchInterval: 60_000 })
  const [open, setOpen] = useState(false)
  const add = useMay('tariff.write') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setOpen(true)}>
      {t('tariff.series.add')}
    </Button>
  )
  const filters: FilterDef[] = [
    { field: 'currency', label: t('tariff.field.currency'), kind: 'text' },
    { field: 'last_at', label: t('tariff.series.last'), kind: 'time' },
  ]
  const navigate = useNavigate()
  return (
    <Panel flush>
      <ListView
        name="price-series"
        label={t('tariff.section.series')}
        list={list}
        state={state}
        columns={useColumns()}
        filters={filters}
        search={{ param: 'name[contains]', placeholder: t('tariff.series.search') }}
        rowKey={(s) => s.id ?? ''}
        onOpen={(s) => void navigate({ to: '/price-series/$seriesId', params: { seriesId: s.id ?? '' } })}
        extra={add}
        empty={
          <Empty icon={<IconTag size={22} aria-hidden />} title={t('tariff.series.none')} action={add}>
            {t('tariff.series.hint')}
          </Empty>
        }
      />
      {open && <SeriesDialog onClose={() => setOpen(false)} />}
    </Panel>
  )
}

/** Late: tariffs that follow it are on their own price now. The server looks only after series that are followed. */
export function FeedBadge({ series: s }: { series: PriceSeries }) {
  const { t } = useTranslation()
  if (s.late_since || (s.last_at && Date.parse(s.last_at) < Date.now())) return <ToneBadge tone="bad">{t('tariff.series.late')}</ToneBadge>
  return <ToneBadge tone={s.last_at ? 'good' : 'idle'}>{s.last_at ? t('tariff.series.fed') : t('tariff.series.empty')}</ToneBadge>
}

function useColumns(): Column<PriceSeries>[] {
  const { t } = useTranslation()
  return [
    {
      id: 'name',
      header: t('tariff.series.name'),
      sort: 'name',
      card: 'lead',
      cell: (s) => (
        <Link to="/price-series/$seriesId" params={{ seriesId: s.id ?? '' }} className="link">
          {s.name}
        </Link>
      ),
    },
    { id: 'feed', header: t('tariff.series.feed'), card: 'badge', width: 150, cell: (s) => <FeedBadge series={s} /> },
    { id: 'currency', header: t('tariff.field.currency'), sort: 'currency', width: 110, cell: (s) => s.currency },
    { id: 'interval', header: t('tariff.series.interval'), align: 'right', width: 110, cell: (s) => `${s.interval_minutes} min` },
    { id: 'last', header: t('tariff.series.last'), sort: 'last_at', cell: (s) => <Instant at={s.last_at} /> },
    { id: 'fedAt', header: t('tariff.series.fedAt'), cell: (s) => <Ago at={s.fed_at} /> },
    { id: 'source', header: t('tariff.series.source'), cell: (s) => s.source || NONE },
  ]
}

function SeriesDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const me = useMe().me
  const [draft, setDraft] = useState({ name: '', currency: me?.organisation.currency ?? 'EUR', interval_minutes: 60, source: '' })
  const save = useChange((body: unknown) => post<PriceSeries>(PATH, body), [PATH])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void save.run({ ...draft, source: draft.source || undefined }).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={t('tariff.series.add')}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput label={t('tariff.series.name')} required maxLength={100} value={draft.name} onChange={(e) => setDraft({ ...draft, name: e.currentTarget.value })} data-autofocus />
          <div className={css.fields}>
            <TextInput label={t('tariff.field.currency')} required maxLength={3} value={draft.currency} onChange={(e) => setDraft({ ...draft, currency: e.currentTarget.value.toUpperCase() })} />
            <Select label={t('tariff.series.interval')} data={['15', '30', '60'].map((value) => ({ value, label: `${value} min` }))} value={String(draft.interval_minutes)} onChange={(v) => setDraft({ ...draft, interval_minutes: Number(v ?? 60) })} allowDeselect={false} />
          </div>
          <TextInput label={t('tariff.series.source')} maxLength={200} value={draft.source} onChange={(e) => setDraft({ ...draft, source: e.currentTarget.value })} />
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
