import { Button, MultiSelect, Select } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useSites, type Backtest } from '../../../api'
import { InstantInput, Panel, ProblemAlert } from '../../../design'
import { useTariffChoice } from '../group/Entries'
import css from '../tariff.module.css'

const DAY_MS = 86_400_000

/** Asks what the past would have brought under a tariff. */
export function BacktestForm({ tariff: fixed }: { tariff?: string }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { rows: sites } = useSites()
  const tariffs = useTariffChoice()
  const [tariff, setTariff] = useState<string | null>(fixed ?? null)
  const [chosen, setChosen] = useState<string[]>([])
  const [from, setFrom] = useState<string | undefined>(() => new Date(Math.floor(Date.now() / 60_000) * 60_000 - 30 * DAY_MS).toISOString())
  const [to, setTo] = useState<string>()
  const start = useChange((body: unknown) => post<Backtest>('/tariff-backtests', body), ['/tariff-backtests'])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void start.run({ tariff_id: tariff, from, to, sites: chosen.length ? chosen : undefined }).then(
      (b) => void navigate({ to: '/tariff-backtests/$backtestId', params: { backtestId: b.id } }),
      () => undefined,
    )
  }
  return (
    <Panel title={t('tariff.backtest.title')}>
      <p className={css.note}>{t('tariff.backtest.hint')}</p>
      <form onSubmit={submit}>
        <div className={css.fields}>
          {!fixed && <Select label={t('tariff.backtest.candidate')} data={tariffs} value={tariff} onChange={setTariff} searchable required />}
          <MultiSelect label={t('tariff.change.sites')} placeholder={chosen.length ? undefined : t('tariff.change.all')} data={(sites ?? []).map((s) => ({ value: s.id, label: s.name }))} value={chosen} onChange={setChosen} searchable clearable limit={50} />
          <InstantInput label={t('tariff.backtest.from')} value={from} onChange={setFrom} required />
          <InstantInput label={t('tariff.backtest.to')} value={to} onChange={setTo} />
        </div>
        <Button type="submit" mt="md" loading={start.busy} disabled={!tariff || !from} data-testid="backtest-start">
          {t('tariff.backtest.start')}
        </Button>
        <div style={{ marginTop: 12 }}>
          <ProblemAlert problem={start.problem} />
        </div>
      </form>
    </Panel>
  )
}
