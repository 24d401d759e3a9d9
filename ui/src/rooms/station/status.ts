import { useTranslation } from 'react-i18next'
import type { Evse, EvseStatus, Station } from '../../api'
import type { Tone } from '../../design'

/** Every status of the port-state model, in the order a port goes through them. */
export const STATUSES: EvseStatus[] = [
  'available',
  'preparing',
  'charging',
  'suspended_ev',
  'suspended_evse',
  'finishing',
  'reserved',
  'held',
  'unavailable',
  'faulted',
  'unreachable',
  'not_activated',
]

const TONE: Record<EvseStatus, Tone> = {
  available: 'good',
  preparing: 'wait',
  charging: 'active',
  suspended_ev: 'wait',
  suspended_evse: 'wait',
  finishing: 'wait',
  reserved: 'held',
  held: 'held',
  unavailable: 'idle',
  faulted: 'bad',
  unreachable: 'idle',
  not_activated: 'idle',
}

/** A status this app does not know (a newer server) is shown without colour rather than not at all. */
export const statusTone = (s: string): Tone => TONE[s as EvseStatus] ?? 'idle'

export function useStatusLabel(): (s: string) => string {
  const { t } = useTranslation()
  return (s) => t(`station.status.${s}`, { defaultValue: s })
}

/** How many ports of some stations are in each tone; a station without ports yet counts as one. */
export function countTones(stations: Station[]): Record<Tone, number> {
  const counts: Record<Tone, number> = { good: 0, active: 0, wait: 0, held: 0, bad: 0, idle: 0 }
  for (const s of stations) {
    for (const p of ports(s)) counts[statusTone(p.status)]++
  }
  return counts
}

export const ports = (s: Station): { status: string }[] => (s.evses?.length ? s.evses : [{ status: s.status }])

export const powerOf = (s: Station): number => (s.evses ?? []).reduce((sum, e) => sum + (e.power_w ?? 0), 0)

export const isCharging = (e: Evse): boolean => e.status === 'charging'
