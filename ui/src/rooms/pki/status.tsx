import { useTranslation } from 'react-i18next'
import type { Certificate, CertificateRequest, CertificateStatus } from '../../api'
import { ToneBadge, useFormat, useNow, type Tone } from '../../design'

const TONES: Record<CertificateStatus, Tone> = { signed: 'wait', delivered: 'wait', active: 'good', refused: 'bad', revoked: 'idle' }

export const CERTIFICATE_STATUSES = Object.keys(TONES) as CertificateStatus[]

const REQUEST_TONES: Record<CertificateRequest['status'], Tone> = {
  waiting: 'held',
  queued: 'wait',
  delivering: 'wait',
  done: 'good',
  failed: 'bad',
  rejected: 'idle',
  replaced: 'idle',
}

export const REQUEST_STATUSES = Object.keys(REQUEST_TONES) as CertificateRequest['status'][]

/** Types of certificates of stations, as OCPP names them. */
export const TYPES = ['ChargingStationCertificate', 'V2GCertificate', 'V2G20Certificate'] as const

const DAY = 86_400_000
const SOON_DAYS = 30

export type Ending = 'past' | 'soon' | 'later'

/** How near the end of a certificate is. */
export function ending(notAfter: string, now: number): Ending {
  const left = Date.parse(notAfter) - now
  if (left <= 0) return 'past'
  return left < SOON_DAYS * DAY ? 'soon' : 'later'
}

/** From when on the list of those that end soon reaches. */
export const soon = (now: number) => new Date(Math.ceil(now / DAY) * DAY + SOON_DAYS * DAY).toISOString()

export function CertificateBadge({ of: c }: { of: Certificate }) {
  const { t } = useTranslation()
  return (
    <ToneBadge tone={TONES[c.status]} title={c.revocation_reason && t(`pki.reason.${c.revocation_reason}`, { defaultValue: c.revocation_reason })}>
      {t(`pki.status.${c.status}`)}
    </ToneBadge>
  )
}

export function RequestBadge({ of: r }: { of: CertificateRequest }) {
  const { t } = useTranslation()
  return <ToneBadge tone={REQUEST_TONES[r.status]}>{t(`pki.request.${r.status}`)}</ToneBadge>
}

/** The day a certificate ends, told apart when that is near or past. */
export function Expiry({ at }: { at: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const when = ending(at, useNow())
  const day = (
    <time dateTime={at} title={at} style={{ whiteSpace: 'nowrap' }} className="num">
      {f.date(at)}
    </time>
  )
  if (when === 'later') return day
  return (
    <ToneBadge tone={when === 'past' ? 'bad' : 'wait'} title={t(`pki.ending.${when}`)}>
      {day}
    </ToneBadge>
  )
}
