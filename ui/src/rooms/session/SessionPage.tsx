import { Badge, Group } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useOne, usePollInterval, useRefreshOn, useSites, type Session } from '../../api'
import { Facts, Failed, Grid, IconBolt, IconGauge, IconPlugConnected, IconReceipt, Loading, Page, Panel, Stat, useFormat, useNow } from '../../design'
import { CostPanel } from '../billing'
import { IntervalChart } from './IntervalChart'
import { PowerCurve } from './PowerCurve'
import css from './session.module.css'
import { isOpen, SessionBadge } from './status'
import { Timeline } from './Timeline'

export function SessionPage() {
  const { t } = useTranslation()
  const { sessionId } = useParams({ from: '/sessions/$sessionId' })
  const path = `/sessions/${encodeURIComponent(sessionId)}`
  const interval = usePollInterval(15_000, 4_000)
  const { data: session, loading, problem, retry } = useOne<Session>(path, { refetchInterval: interval })
  useRefreshOn((e) => session !== undefined && e.station === session.station_id && e.kind.startsWith('session.'), [path], 1000)
  const { byId } = useSites()
  const crumbs = [
    <Link key="sessions" to="/sessions" className="quiet">
      {t('session.list.title')}
    </Link>,
  ]
  if (!session) {
    return (
      <Page title={t('session.title')} crumbs={crumbs}>
        {problem ? <Failed problem={problem} retry={retry} /> : loading && <Loading />}
      </Page>
    )
  }
  const site = byId.get(session.site ?? '')
  return (
    <Page
      title={t('session.titleAt', { station: session.station_id, evse: session.evse_id })}
      crumbs={crumbs}
      aside={<SessionBadge status={session.status} />}
      subtitle={<Subtitle session={session} site={site?.name} />}
    >
      <Content session={session} zone={site?.time_zone} />
    </Page>
  )
}

function Content({ session: s, zone }: { session: Session; zone?: string }) {
  const { t } = useTranslation()
  const live = isOpen(s.status)
  return (
    <Grid>
      <Figures session={s} />
      <div className={css.columns}>
        <Grid>
          <Panel title={t('session.curve')}>
            <PowerCurve session={s.id} zone={zone} live={live} />
          </Panel>
          <IntervalChart session={s.id} zone={zone} live={live} />
          <CostPanel session={s} />
        </Grid>
        <Grid>
          <Panel title={t('session.timeline')}>
            <Timeline session={s} zone={zone} />
          </Panel>
          <Panel title={t('session.facts')}>
            <SessionFacts session={s} />
          </Panel>
        </Grid>
      </div>
    </Grid>
  )
}

function Figures({ session: s }: { session: Session }) {
  const { t } = useTranslation()
  const f = useFormat()
  const now = useNow()
  const live = isOpen(s.status)
  const end = s.ended_at ? Date.parse(s.ended_at) : now
  const power = live ? s.power_w : s.max_power_w
  return (
    <div className={css.stats}>
      <Stat
        label={t('session.field.energy')}
        icon={<IconBolt size={16} aria-hidden />}
        value={f.energy(s.energy_wh)}
        hint={s.soc !== undefined ? t('session.socAt', { soc: f.percent(s.soc) }) : ''}
        testId="session-energy"
      />
      <Stat label={t('session.field.duration')} icon={<IconPlugConnected size={16} aria-hidden />} value={f.duration(end - Date.parse(s.started_at))} />
      <Stat
        label={live ? t('session.field.power') : t('session.field.maxPower')}
        icon={<IconGauge size={16} aria-hidden />}
        value={f.power(power)}
        hint={live && s.max_power_w !== undefined ? t('session.maxHint', { max: f.power(s.max_power_w) }) : ''}
      />
      <Stat
        label={t('session.field.cost')}
        icon={<IconReceipt size={16} aria-hidden />}
        value={f.money(s.cost && { amount: s.cost.incl_vat, currency: s.cost.currency })}
        hint={s.cost ? t('session.exclVat', { amount: f.money({ amount: s.cost.excl_vat, currency: s.cost.currency }) }) : ''}
      />
    </div>
  )
}

function SessionFacts({ session: s }: { session: Session }) {
  const { t } = useTranslation()
  const f = useFormat()
  return (
    <Facts
      items={[
        [t('session.field.idToken'), s.id_token],
        [t('session.field.connector'), s.connector_id],
        [t('session.field.meterStart'), f.energy(s.meter_start_wh)],
        [t('session.field.meterStop'), f.energy(s.meter_stop_wh)],
        [t('session.field.stopReason'), s.stop_reason],
        [t('session.field.transaction'), s.transaction_id],
        [t('station.field.protocol'), s.protocol && `OCPP ${s.protocol}`],
        [
          t('session.field.flags'),
          s.flags?.length ? (
            <Group key="flags" gap={6}>
              {s.flags.map((x) => (
                <Badge key={x} color="yellow" variant="light" tt="none">
                  {t(`session.flag.${x}`, { defaultValue: x })}
                </Badge>
              ))}
            </Group>
          ) : undefined,
        ],
      ]}
    />
  )
}

function Subtitle({ session: s, site }: { session: Session; site?: string }) {
  return (
    <>
      <Link to="/stations/$stationId/{-$tab}" params={{ stationId: s.station_id }} className="link">
        {s.station_id}
      </Link>
      {site && ` · ${site}`}
    </>
  )
}
