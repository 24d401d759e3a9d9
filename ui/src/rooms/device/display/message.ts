import type { DisplayMessage, MessageDraft } from '../../../api'

export const PRIORITIES = ['NormalCycle', 'InFront', 'AlwaysFront'] as const
export const STATES = ['Charging', 'Faulted', 'Idle', 'Unavailable', 'Suspended', 'Discharging'] as const
export const FORMATS = ['UTF8', 'ASCII', 'HTML', 'URI', 'QRCODE'] as const
/** OCPP 2.1 MessageContentType: up to five languages. */
export const MOST_CONTENTS = 5

export const blankDraft = (station?: string): MessageDraft => ({ ...(station ? { station } : {}), kind: 'message', priority: 'NormalCycle', contents: [{ text: '', language: 'en', format: 'UTF8' }] })

const FIELDS = ['organisation', 'site', 'station', 'kind', 'priority', 'state', 'start_at', 'end_at', 'transaction'] as const

/** The part of a message that is written; without what is empty. */
export function draftOf(m: DisplayMessage | MessageDraft): MessageDraft {
  const kept = FIELDS.map((f) => [f, m[f]] as const).filter(([, v]) => v !== undefined && v !== '')
  const contents = (m.contents ?? []).filter((c) => c.text.trim() !== '').map((c) => (c.language ? c : { text: c.text, format: c.format }))
  return { ...Object.fromEntries(kept), contents } as MessageDraft
}
