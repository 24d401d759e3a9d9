import { useTranslation } from 'react-i18next'
import { NONE, ToneBadge, type Tone } from '../../../design'

const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

/** OCPP 2.0.1 part 2 §2.47: 0 danger … 9 debug. */
export function useSeverities() {
  const { t } = useTranslation()
  return LEVELS.map((n) => ({ value: String(n), label: `${n} – ${t(`device.severity.${n}`)}` }))
}

const toneOf = (n: number): Tone => (n <= 3 ? 'bad' : n <= 5 ? 'wait' : n <= 7 ? 'active' : 'idle')

export function Severity({ level }: { level: number | undefined }) {
  const { t } = useTranslation()
  if (level === undefined) return <>{NONE}</>
  return (
    <ToneBadge tone={toneOf(level)}>
      {level} {t(`device.severity.${level}`)}
    </ToneBadge>
  )
}
