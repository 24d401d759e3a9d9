import { useTranslation } from 'react-i18next'
import type { SessionStatus } from '../../api'
import { ToneBadge, type Tone } from '../../design'

export const SESSION_STATUSES: SessionStatus[] = ['active', 'suspended', 'ending', 'completed', 'invalid']

const TONE: Record<SessionStatus, Tone> = {
  active: 'active',
  suspended: 'wait',
  ending: 'wait',
  completed: 'good',
  invalid: 'bad',
}

export function SessionBadge({ status }: { status: SessionStatus }) {
  const { t } = useTranslation()
  return (
    <ToneBadge tone={TONE[status] ?? 'idle'} pulse={status === 'active'}>
      {t(`session.status.${status}`, { defaultValue: status })}
    </ToneBadge>
  )
}

/** A session that can still get energy. */
export const isOpen = (status: SessionStatus) => status === 'active' || status === 'suspended' || status === 'ending'
