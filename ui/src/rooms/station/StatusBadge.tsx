import { ToneBadge, ToneDot } from '../../design'
import type { Station } from '../../api'
import { statusTone, useStatusLabel } from './status'

export function StatusBadge({ status, suspect }: { status: string; suspect?: boolean }) {
  const label = useStatusLabel()
  return (
    <ToneBadge tone={suspect ? 'wait' : statusTone(status)} pulse={status === 'charging'}>
      {label(status)}
      {suspect && ` · ${label('suspect')}`}
    </ToneBadge>
  )
}

/** One dot per port of a station. */
export function PortDots({ station }: { station: Station }) {
  const label = useStatusLabel()
  return (
    <span style={{ display: 'inline-flex', gap: 5, alignItems: 'center' }}>
      {(station.evses ?? []).map((e) => (
        <ToneDot key={e.id} tone={statusTone(e.status)} label={`${e.id}: ${label(e.status)}`} />
      ))}
    </span>
  )
}
