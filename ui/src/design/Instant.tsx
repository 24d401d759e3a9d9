import { NONE } from './format'
import { browserZone, useFormat, useNow } from './locale'

interface Props {
  at: string | undefined
  /** The zone of the place it happened at; without one, the browser's. */
  zone?: string
  form?: 'dateTime' | 'time' | 'date' | 'timeSeconds'
}

/**
 * A moment in the time of the place it happened at. When that differs from the
 * reader's own time, the zone's name stands behind it; the full moment, with
 * UTC, is in the title.
 */
export function Instant({ at, zone, form = 'dateTime' }: Props) {
  const f = useFormat()
  if (!at) return <span>{NONE}</span>
  const foreign = zone && zone !== browserZone()
  const title = `${f.dateTime(at, zone)} ${zone ?? browserZone()} · ${at}`
  return (
    <time dateTime={at} title={title} className="num">
      <span style={{ whiteSpace: 'nowrap' }}>{f[form](at, zone)}</span>
      {foreign && (form === 'dateTime' || form === 'time') && (
        <span style={{ color: 'var(--ink-2)', fontSize: '0.85em', whiteSpace: 'nowrap' }}> {f.zoneName(at, zone)}</span>
      )}
    </time>
  )
}

/** "5 min ago", with the moment in the title. */
export function Ago({ at }: { at: string | undefined }) {
  const f = useFormat()
  const now = useNow()
  if (!at) return <span>{NONE}</span>
  return (
    <time dateTime={at} title={`${f.dateTime(at)} · ${at}`} style={{ whiteSpace: 'nowrap' }}>
      {f.ago(at, Math.max(now, Date.parse(at)))}
    </time>
  )
}
