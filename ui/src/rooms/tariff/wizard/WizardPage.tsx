import { Button, NumberInput, Select } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useSites, type WizardAnswer, type WizardInput } from '../../../api'
import { Grid, Page, Panel, ProblemAlert } from '../../../design'
import { SiteSelect } from '../../location'
import { prefill } from '../editor/prefill'
import { writable } from '../editor/draft'
import css from '../tariff.module.css'
import { Findings } from '../page/Findings'
import { SuggestionCard } from './SuggestionCard'

const SECTORS = ['retail', 'workplace', 'hotel', 'multifamily', 'municipal', 'highway', 'fleet'] as const
const GOALS = ['cost_recovery', 'turnover', 'amenity', 'profit'] as const

/** Five questions, and two or three tariffs that serve the goal and are lawful at the site. */
export function WizardPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { byId } = useSites()
  const [input, setInput] = useState<Omit<WizardInput, 'electricity_cost'> & { electricity_cost: number | string }>({ site: '', sector: 'retail', goal: 'cost_recovery', electricity_cost: 0.2 })
  const ask = useChange((body: unknown) => post<WizardAnswer>('/tariffs/wizard', body))
  const set = (change: Partial<typeof input>) => setInput({ ...input, ...change })
  const optional = (v: number | string) => (v === '' ? undefined : Number(v))
  const currency = byId.get(input.site)?.currency ?? ''
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void ask.run({ ...input, electricity_cost: Number(input.electricity_cost) }).catch(() => undefined)
  }
  const answer = ask.result
  return (
    <Page
      title={t('tariff.wizard.title')}
      subtitle={t('tariff.wizard.hint')}
      crumbs={[
        <Link key="tariffs" to="/tariffs" className="quiet">
          {t('tariff.title')}
        </Link>,
      ]}
    >
      <Grid>
        <Panel>
          <form onSubmit={submit}>
            <div className={css.wizard}>
              <SiteSelect value={input.site || null} onChange={(v) => set({ site: v ?? '' })} />
              <Select label={t('tariff.wizard.sector')} data={SECTORS.map((value) => ({ value, label: t(`tariff.wizard.sectors.${value}`) }))} value={input.sector} onChange={(v) => v && set({ sector: v as WizardInput['sector'] })} allowDeselect={false} />
              <Select label={t('tariff.wizard.goal')} data={GOALS.map((value) => ({ value, label: t(`tariff.wizard.goals.${value}`) }))} value={input.goal} onChange={(v) => v && set({ goal: v as WizardInput['goal'] })} allowDeselect={false} />
              <NumberInput label={t('tariff.wizard.cost')} suffix={` ${currency}/kWh`} min={0} decimalScale={6} value={input.electricity_cost} onChange={(v) => set({ electricity_cost: v })} required />
              <NumberInput label={t('tariff.edit.vat')} suffix=" %" min={0} max={100} decimalScale={3} value={input.vat ?? ''} onChange={(v) => set({ vat: optional(v) })} placeholder={t('tariff.noTax')} />
              <NumberInput label={t('tariff.wizard.ports')} min={0} max={10000} allowDecimal={false} value={input.ports ?? ''} onChange={(v) => set({ ports: optional(v) })} placeholder={t('tariff.wizard.ofSite')} />
              <NumberInput label={t('tariff.wizard.stay')} suffix=" min" min={0} max={10080} allowDecimal={false} value={input.typical_stay_minutes ?? ''} onChange={(v) => set({ typical_stay_minutes: optional(v) })} placeholder={t('tariff.wizard.ofSector')} />
            </div>
            <Button type="submit" mt="md" loading={ask.busy} disabled={!input.site} data-testid="wizard-ask">
              {t('tariff.wizard.suggest')}
            </Button>
          </form>
        </Panel>
        <ProblemAlert problem={ask.problem} />
        {answer && (
          <div className={css.cards} role="status" aria-label={t('tariff.wizard.suggestions')}>
            {answer.suggestions.map((s, i) => (
              <SuggestionCard
                key={s.model}
                suggestion={s}
                best={i === 0}
                currency={answer.currency}
                onUse={() => {
                  prefill(writable(s.tariff))
                  void navigate({ to: '/tariff-editor/{-$tariffId}', params: { tariffId: undefined } })
                }}
              />
            ))}
          </div>
        )}
        {answer && answer.excluded.length > 0 && (
          <Panel title={t('tariff.wizard.excluded')}>
            {answer.excluded.map((x) => (
              <div key={x.model}>
                <p className={css.note}>
                  <strong>{t(`tariff.wizard.model.${x.model}`, { defaultValue: x.model })}</strong> – {x.summary}
                </p>
                <Findings findings={x.findings} />
              </div>
            ))}
          </Panel>
        )}
      </Grid>
    </Page>
  )
}
