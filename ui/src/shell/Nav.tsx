import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import {
  IconAlert,
  IconBolt,
  IconCalendar,
  IconCertificate,
  IconCpu,
  IconDashboard,
  IconDatabase,
  IconId,
  IconMapPin,
  IconMessage,
  IconReceipt,
  IconStation,
  IconTag,
  IconTemplate,
  IconUsers,
} from '../design'
import css from './shell.module.css'

const ITEMS = [
  { to: '/', key: 'overview', icon: IconDashboard, permission: 'station.read' },
  { to: '/stations', key: 'stations', icon: IconStation, permission: 'station.read' },
  { to: '/sessions', key: 'sessions', icon: IconBolt, permission: 'session.read' },
  { to: '/reservations', key: 'reservations', icon: IconCalendar, permission: 'reservation.read' },
  { to: '/sites', key: 'sites', icon: IconMapPin, permission: 'site.read' },
  { to: '/id-tokens', key: 'idTokens', icon: IconId, permission: 'token.read' },
  { to: '/tariffs', key: 'tariffs', icon: IconTag, permission: 'tariff.read' },
  { to: '/cdrs', key: 'cdrs', icon: IconReceipt, permission: 'cdr.read' },
  { to: '/templates/{-$tab}', key: 'templates', icon: IconTemplate, permission: 'device.read' },
  { to: '/firmware/{-$tab}', key: 'firmware', icon: IconCpu, permission: 'device.read' },
  { to: '/display-messages', key: 'displays', icon: IconMessage, permission: 'device.read' },
  { to: '/device-events', key: 'events', icon: IconAlert, permission: 'device.read' },
  { to: '/certificates/{-$tab}', key: 'certificates', icon: IconCertificate, permission: 'certificate.read' },
  { to: '/settings/{-$tab}', key: 'settings', icon: IconUsers, permission: 'user.read' },
  { to: '/system', key: 'system', icon: IconDatabase, permission: 'system.read' },
] as const

/** Where a user begins who may not see stations. */
export const firstPage = (permissions: string[]) => ITEMS.find((i) => permissions.includes(i.permission))?.to

export function Nav({ permissions }: { permissions: string[] }) {
  const { t } = useTranslation()
  return (
    <nav className={css.nav} aria-label={t('shell.menu')}>
      {ITEMS.filter((i) => permissions.includes(i.permission)).map(({ to, key, icon: Icon }) => (
        <Link key={to} to={to} className={css.navItem} activeOptions={{ exact: to === '/', includeSearch: false }}>
          <Icon size={19} stroke={1.7} aria-hidden />
          {t(`shell.nav.${key}`)}
        </Link>
      ))}
    </nav>
  )
}
