import type { Monitor, MonitorItem } from '../../../api'

export const MONITOR_TYPES = ['UpperThreshold', 'LowerThreshold', 'Delta', 'Periodic', 'PeriodicClockAligned', 'TargetDelta', 'TargetDeltaRelative'] as const

export const blankMonitor = (): MonitorItem => ({ component: '', variable: '', type: 'UpperThreshold', value: 0, severity: 5 })

/** The part of a monitor of a station that can be set anew. */
export function itemOf(m: Monitor): MonitorItem {
  const { id: _id, kind: _k, template: _t, seen_at: _s, ...item } = m
  return item
}

/** "EVSE@1.Power" */
export const watched = (m: Pick<MonitorItem, 'component' | 'component_instance' | 'evse' | 'connector' | 'variable' | 'variable_instance'>) =>
  `${m.component}${m.component_instance ? `[${m.component_instance}]` : ''}${m.evse ? `@${m.evse}${m.connector ? `.${m.connector}` : ''}` : ''}.${m.variable}${m.variable_instance ? `[${m.variable_instance}]` : ''}`
