import { Button, NumberInput, TagsInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, type Quote } from '../../../api'
import { browserZone, InstantInput, Instant, Panel, ProblemAlert } from '../../../design'
import { PriceLines } from '../../billing'
import css from '../tariff.module.css'

/** What a session would cost that has not happened: the same engine that bills. */
export function QuotePanel({ tariff }: { tariff: string }) {
  const { t } = useTranslation()
  const [kWh, setKWh] = useState<number | string>(20)
  const [minutes, setMinutes] = useState<number | string>(60)
  const [parked, setParked] = useState<number | string>(0)
  const [start, setStart] = useState<string>()
  const [groups, setGroups] = useState<string[]>([])
  const ask = useChange(() =>
    post<Quote>(`/tariffs/${encodeURIComponent(tariff)}/quote`, {
      energy_wh: Math.round(Number(kWh) * 1000),
      minutes: Number(minutes),
      parking_minutes: Number(parked),
      start,
      time_zone: browserZone(),
      driver_groups: groups,
    }),
  )
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void ask.run(undefined).catch(() => undefined)
  }
  return (
    <div className={css.halves}>
      <Panel title={t('tariff.quote.title')}>
        <form onSubmit={submit}>
          <p className={css.note}>{t('tariff.quote.hint')}</p>
          <div className={css.fields}>
            <NumberInput label={t('tariff.quote.energy')} suffix=" kWh" min={0} max={1000} decimalScale={3} value={kWh} onChange={setKWh} required />
            <NumberInput label={t('tariff.quote.minutes')} suffix=" min" min={0} max={100000} allowDecimal={false} value={minutes} onChange={setMinutes} required />
            <NumberInput label={t('tariff.quote.parked')} suffix=" min" min={0} max={100000} allowDecimal={false} value={parked} onChange={setParked} />
            <InstantInput label={t('tariff.quote.start')} value={start} onChange={setStart} />
            <TagsInput label={t('tariff.edit.groups')} value={groups} onChange={setGroups} className={css.wide} placeholder={groups.length ? undefined : t('tariff.quote.nobody')} />
          </div>
          <Button type="submit" mt="md" loading={ask.busy} data-testid="quote-ask">
            {t('tariff.quote.ask')}
          </Button>
        </form>
      </Panel>
      <Panel title={t('tariff.quote.result')}>
        <div role="status" data-testid="quote-result">
          <ProblemAlert problem={ask.problem} />
          {ask.result ? (
            <>
              <p className={css.note}>
                {t('tariff.quote.startsAt')} <Instant at={ask.result.start} /> · {t('tariff.versionNumber', { number: ask.result.version })}
              </p>
              <PriceLines lines={ask.result.cost.lines ?? []} currency={ask.result.cost.currency} total={ask.result.cost} />
            </>
          ) : (
            !ask.problem && <p className={css.note}>{t('tariff.quote.none')}</p>
          )}
        </div>
      </Panel>
    </div>
  )
}
