import { Button, Select, TextInput } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { get, useChange, useFleet, type PriceExplanation, type PriceStep } from '../../api'
import { Facts, Grid, Instant, InstantInput, Panel, ProblemAlert, Quiet, ToneBadge, type Tone } from '../../design'
import css from './tariff.module.css'

const TONE: Record<PriceStep['reason'], Tone> = { taken: 'good', not_for_them: 'idle', not_in_force: 'idle', closed_group: 'wait', outranked: 'idle', less_specific: 'idle', later_in_order: 'idle' }

/** Which price a token has at an EVSE at a time, and why: every price somebody could have there, in order. */
export function ExplainPanel() {
  const { t } = useTranslation()
  const { rows: fleet } = useFleet()
  const [station, setStation] = useState<string | null>(null)
  const [evse, setEvse] = useState<string | null>(null)
  const [token, setToken] = useState('')
  const [at, setAt] = useState<string>()
  const evses = fleet?.find((s) => s.id === station)?.evses ?? []
  const ask = useChange(() =>
    get<PriceExplanation>(`/charging-stations/${encodeURIComponent(station ?? '')}/evses/${evse ?? '1'}/price-explanation`, { id_token: token.trim() || undefined, at }),
  )
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void ask.run(undefined).catch(() => undefined)
  }
  return (
    <Grid>
      <Panel title={t('tariff.explain.title')}>
        <p className={css.note}>{t('tariff.explain.hint')}</p>
        <form onSubmit={submit}>
          <div className={css.fields}>
            <Select
              label={t('session.field.station')}
              data={(fleet ?? []).map((s) => s.id)}
              value={station}
              onChange={(v) => {
                setStation(v)
                setEvse(String(fleet?.find((s) => s.id === v)?.evses[0]?.id ?? ''))
              }}
              searchable
              limit={50}
              required
              data-testid="explain-station"
            />
            <Select label={t('session.field.evse')} data={evses.map((e) => String(e.id))} value={evse} onChange={setEvse} allowDeselect={false} />
            <TextInput label={t('session.field.idToken')} placeholder={t('tariff.explain.stranger')} value={token} onChange={(e) => setToken(e.currentTarget.value)} />
            <InstantInput label={t('tariff.explain.at')} value={at} onChange={setAt} />
          </div>
          <Button type="submit" mt="md" loading={ask.busy} disabled={!station || !evse} data-testid="explain-ask">
            {t('tariff.explain.ask')}
          </Button>
        </form>
      </Panel>
      <div role="status">
        <ProblemAlert problem={ask.problem} />
        {ask.result && !ask.problem && <Chain explanation={ask.result} />}
      </div>
    </Grid>
  )
}

function Chain({ explanation: x }: { explanation: PriceExplanation }) {
  const { t } = useTranslation()
  const member = x.driver.memberships.map((m) => `${t(`tariff.audience.${m.audience as 'fleet'}`)} ${m.ref}`).join(', ')
  return (
    <Panel title={t('tariff.explain.result')}>
      <p className={css.sentence} data-testid="explain-result">
        {x.tariff && (
          <>
            <Link to="/tariffs/$tariffId/{-$tab}" params={{ tariffId: x.tariff, tab: undefined }} className="link">
              {x.tariff}
            </Link>{' '}
          </>
        )}
        {x.summary}
      </p>
      <div style={{ marginTop: 14 }}>
        <Facts
          items={[
            [t('tariff.explain.driver'), x.driver.known ? t('tariff.explain.known') : x.driver.ad_hoc ? t('tariff.explain.adHoc') : t('tariff.explain.foreign')],
            [t('tariff.explain.provider'), x.driver.provider],
            [t('tariff.explain.member'), member],
            [t('tariff.field.version'), x.version],
          ]}
        />
      </div>
      <h3 className={css.sub}>{t('tariff.explain.chain')}</h3>
      {x.chain.length === 0 && <Quiet>{t('tariff.explain.free')}</Quiet>}
      <ol className={css.elements} style={{ listStyle: 'none' }}>
        {x.chain.map((s, i) => (
          <li key={s.id} className={css.step} style={{ gridTemplateColumns: '28px minmax(0, 1fr) auto' }}>
            <span className={css.rank}>{i + 1}</span>
            <div>
              <Link to="/tariffs/$tariffId/{-$tab}" params={{ tariffId: s.tariff, tab: undefined }} className="link">
                {s.tariff}
              </Link>{' '}
              – {t(`tariff.audience.${s.audience as 'default'}`)} {s.ref}
              <p>
                {t(`tariff.explain.source.${s.source}`)} {s.group_name} · {t(`tariff.level.${s.level}`)}
                {s.valid_from && (
                  <>
                    {' '}
                    · {t('tariff.from')} <Instant at={s.valid_from} />
                  </>
                )}
              </p>
              <p>{t(`tariff.explain.reasonHelp.${s.reason}`)}</p>
            </div>
            <ToneBadge tone={TONE[s.reason]}>{t(`tariff.explain.reason.${s.reason}`)}</ToneBadge>
          </li>
        ))}
      </ol>
    </Panel>
  )
}
