import { Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useOne, usePollInterval, type Evse, type Reservation, type Session, type Station } from '../../../api'
import { Ago, Panel, useFormat } from '../../../design'
import { PortReservation } from '../../reservation'
import { PowerCurve } from '../../session'
import { connectorName } from '../connector'
import { StatusBadge } from '../StatusBadge'
import css from './page.module.css'
import { PortActions } from './PortActions'

/** One place to charge: what it is doing, the power it gives, and what an operator does with it most. */
export function EvseCard({ station, evse, reservations, zone }: { station: Station; evse: Evse; reservations: Reservation[]; zone?: string }) {
  const { t } = useTranslation()
  return (
    <Panel label={t('station.evse.title', { id: evse.id })} className={css.evse}>
      <div className={css.evseHead} data-testid={`evse-${evse.id}`}>
        <Title order={2}>
          {t('station.evse.title', { id: evse.id })}
          {evse.label && ` · ${evse.label}`}
        </Title>
        <StatusBadge status={evse.status} suspect={evse.suspect} />
      </div>
      <Connectors evse={evse} />
      <PortReservation reservations={reservations} evse={evse.id} zone={zone} />
      {evse.session_id ? (
        <Charging session={evse.session_id} evse={evse} zone={zone} />
      ) : (
        <div className={css.idle}>{t('station.evse.noSession')}</div>
      )}
      <PortActions station={station} evse={evse} />
    </Panel>
  )
}

function Connectors({ evse }: { evse: Evse }) {
  const { t } = useTranslation()
  const f = useFormat()
  const list = evse.connectors.map((c) =>
    [connectorName(c.type) ?? t('station.evse.connector', { id: c.id }), c.max_power_w ? f.power(c.max_power_w) : ''].filter(Boolean).join(' '),
  )
  const faults = evse.connectors.map((c) => [c.error_code, c.vendor_error_code, c.info].filter(Boolean).join(' ')).filter(Boolean)
  return (
    <div className={css.connectors}>
      {list.join(' · ')}
      {list.length > 0 && ' · '}
      {t('station.evse.since')} <Ago at={evse.status_since} />
      {faults.length > 0 && <div className={css.fault}>{faults.join(' · ')}</div>}
    </div>
  )
}

function Charging({ session: id, evse, zone }: { session: string; evse: Evse; zone?: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const { data: session } = useOne<Session>(`/sessions/${id}`, { refetchInterval: usePollInterval(15_000, 5_000) })
  return (
    <>
      <dl className={`${css.figures} num`}>
        <div>
          <dt>{t('station.field.power')}</dt>
          <dd data-testid={`power-${evse.id}`}>{f.power(evse.power_w ?? session?.power_w)}</dd>
        </div>
        <div>
          <dt>{t('session.field.energy')}</dt>
          <dd>{f.energy(session?.energy_wh)}</dd>
        </div>
        <div>
          <dt>{session?.soc === undefined ? t('session.field.duration') : t('session.field.soc')}</dt>
          <dd>{session ? (session.soc === undefined ? <Since at={session.started_at} /> : f.percent(session.soc)) : '–'}</dd>
        </div>
      </dl>
      <PowerCurve session={id} zone={zone} height={150} live compact />
      <Link to="/sessions/$sessionId" params={{ sessionId: id }} className="link" style={{ fontSize: 13.5 }}>
        {t('station.evse.openSession')}
      </Link>
    </>
  )
}

function Since({ at }: { at: string }) {
  const f = useFormat()
  return <>{f.duration(Date.now() - Date.parse(at))}</>
}
