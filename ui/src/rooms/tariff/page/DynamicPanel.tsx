import { Button, Group, Modal, NumberInput, Select, Stack } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { del, put, useAll, useChange, useMay, useOne, type Following, type PriceSeries, type Tariff, type Upcoming } from '../../../api'
import { Chart, Panel, ProblemAlert, Quiet, useConfirm, useFormat } from '../../../design'
import { exact } from '../words'
import css from '../tariff.module.css'

/** Which price series a tariff's price per kWh follows, by which formula, and what it comes to. */
export function DynamicPanel({ tariff }: { tariff: Tariff }) {
  const { t } = useTranslation()
  const id = tariff.id ?? ''
  const path = `/tariffs/${encodeURIComponent(id)}`
  const { data: next } = useOne<Upcoming>(`${path}/prices`)
  const { data } = useOne<Following>(`${path}/dynamic`, { enabled: next?.dynamic === true })
  const [open, setOpen] = useState(false)
  const confirm = useConfirm()
  const stop = useChange(() => del(`${path}/dynamic`), [path])
  const may = useMay('tariff.write')
  const following = next?.dynamic ? data : undefined
  const ask = () => confirm.ask({ title: t('tariff.dynamic.stop'), text: t('tariff.dynamic.stopHint'), action: t('tariff.dynamic.stop'), run: () => stop.run(undefined) })
  return (
    <Panel
      title={t('tariff.dynamic.title')}
      actions={
        may && (
          <>
            {following && (
              <Button size="xs" variant="subtle" color="red" onClick={ask}>
                {t('tariff.dynamic.stop')}
              </Button>
            )}
            <Button size="xs" variant="default" onClick={() => setOpen(true)}>
              {following ? t('design.edit') : t('tariff.dynamic.follow')}
            </Button>
          </>
        )
      }
    >
      {confirm.dialog}
      {following ? <FormulaText following={following} currency={tariff.currency ?? ''} /> : <p className={css.note}>{t('tariff.dynamic.none')}</p>}
      {next?.dynamic && <NextHours next={next} />}
      {open && <FormulaDialog path={path} following={following} currency={tariff.currency} onClose={() => setOpen(false)} />}
    </Panel>
  )
}

function FormulaText({ following: d, currency }: { following: Following; currency: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const money = (v: number | undefined) => exact(f.locale, v ?? 0, currency)
  return (
    <p className={css.note}>
      <strong>{t('tariff.dynamic.formula', { factor: f.number(d.factor ?? 1, (d.factor ?? 1) % 1 ? 2 : 0), fee: money(d.fee) })}</strong>{' '}
      {d.floor !== undefined && t('tariff.dynamic.atLeast', { price: money(d.floor) })} {d.ceiling !== undefined && t('tariff.dynamic.atMost', { price: money(d.ceiling) })}{' '}
      {t(`tariff.dynamic.lock.${d.lock}`)} {t('tariff.dynamic.hold', { minutes: d.hold_minutes ?? 0 })}{' '}
      <Link to="/price-series/$seriesId" params={{ seriesId: d.series }} className="link">
        {t('tariff.dynamic.openSeries')}
      </Link>
    </p>
  )
}

/** The price per kWh of the next hours, as it is published; hours on the tariff's own price are paler. */
export function NextHours({ next }: { next: Upcoming }) {
  const { t } = useTranslation()
  const f = useFormat()
  const items = next.items
  if (items.length === 0) return <Quiet>{t('tariff.dynamic.noPrices')}</Quiet>
  const span = Date.parse(items[0]?.end ?? '') - Date.parse(items[0]?.start ?? '')
  return (
    <>
      <Chart
        label={t('tariff.dynamic.next')}
        times={items.map((x) => Date.parse(x.start) + span / 2)}
        height={200}
        barWidthMs={span}
        series={[{ label: t('tariff.dynamic.perKWh'), values: items.map((x) => x.price_per_kwh), pale: items.map((x) => x.fallback ?? false), kind: 'bars', least: 0.01, color: 'var(--tone-active)', format: (v) => exact(f.locale, Number(v.toFixed(4)), next.currency) }]}
      />
      {items.some((x) => x.fallback) && <p className={css.note}>{t('tariff.dynamic.fallback')}</p>}
    </>
  )
}

interface DialogProps {
  path: string
  following?: Following
  currency?: string
  onClose: () => void
}

function FormulaDialog({ path, following: d, currency, onClose }: DialogProps) {
  const { t } = useTranslation()
  const { rows } = useAll<PriceSeries>('/price-series', currency ? { currency } : {})
  const [series, setSeries] = useState<string | null>(d?.series ?? null)
  const [numbers, setNumbers] = useState<Record<string, number | string>>({ factor: d?.factor ?? 1, fee: d?.fee ?? 0, floor: d?.floor ?? '', ceiling: d?.ceiling ?? '', hold_minutes: d?.hold_minutes ?? 120 })
  const [lock, setLock] = useState<string>(d?.lock ?? 'session')
  const save = useChange((body: unknown) => put(`${path}/dynamic`, body), [path])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    const given = Object.fromEntries(Object.entries(numbers).filter(([, v]) => v !== '').map(([k, v]) => [k, Number(v)]))
    void save.run({ series, lock, ...given }).then(onClose, () => undefined)
  }
  const number = (name: string, suffix = '') => (
    <NumberInput label={t(`tariff.dynamic.field.${name}`)} description={t(`tariff.dynamic.help.${name}`)} suffix={suffix} decimalScale={name === 'hold_minutes' ? 0 : 6} value={numbers[name]} onChange={(v) => setNumbers({ ...numbers, [name]: v })} />
  )
  return (
    <Modal opened onClose={onClose} title={t('tariff.dynamic.follow')} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Select label={t('tariff.dynamic.series')} data={(rows ?? []).map((s) => ({ value: s.id ?? '', label: s.name }))} value={series} onChange={setSeries} required placeholder={rows?.length === 0 ? t('tariff.series.none') : undefined} />
          <div className={css.fields} style={{ alignItems: 'start' }}>
            {number('factor')}
            {number('fee')}
            {number('floor')}
            {number('ceiling')}
            {number('hold_minutes', ' min')}
            <Select label={t('tariff.dynamic.field.lock')} data={(['session', 'interval'] as const).map((value) => ({ value, label: t(`tariff.dynamic.locks.${value}`) }))} value={lock} onChange={(v) => setLock(v ?? 'session')} allowDeselect={false} />
          </div>
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={save.busy} disabled={!series}>
              {t('design.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
