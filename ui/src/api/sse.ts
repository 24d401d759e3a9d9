import { BASE } from './client'
import type { LiveEvent } from './types'

export type LiveState = 'connecting' | 'live' | 'polling'

interface Handlers {
  onEvent: (e: LiveEvent) => void
  onState: (s: LiveState) => void
}

/**
 * Reads /api/v1/events until stopped and reconnects with growing pauses.
 * EventSource is not used: it drops event names nobody registered, and it
 * cannot tell a 401 from a broken line.
 */
export function openEvents({ onEvent, onState }: Handlers): () => void {
  const abort = new AbortController()
  let lastId = ''
  let failures = 0

  async function once(): Promise<'retry' | 'stop'> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' }
    if (lastId) headers['Last-Event-ID'] = lastId
    const response = await fetch(`${BASE}/events`, { headers, signal: abort.signal, credentials: 'same-origin' })
    if (response.status === 401 || response.status === 403) {
      onState('polling')
      return 'stop'
    }
    if (!response.ok || !response.body) return 'retry'
    failures = 0
    onState('live')
    await readEvents(response.body, (event) => {
      if (event.id) lastId = event.id
      const parsed = parseEvent(event)
      if (parsed) onEvent(parsed)
    })
    return 'retry'
  }

  async function run() {
    onState('connecting')
    while (!abort.signal.aborted) {
      const next = await once().catch(() => 'retry' as const)
      if (abort.signal.aborted || next === 'stop') return
      onState('polling')
      failures++
      await pause(Math.min(1000 * 2 ** (failures - 1), 30_000), abort.signal)
    }
  }
  void run()
  return () => abort.abort()
}

export interface RawEvent {
  id: string
  name: string
  data: string
}

/** Parses a text/event-stream body as it arrives (WHATWG HTML §9.2.6). */
export async function readEvents(body: ReadableStream<Uint8Array>, onEvent: (e: RawEvent) => void) {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let event: RawEvent = { id: '', name: '', data: '' }
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    rest += decoder.decode(value, { stream: true })
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (event.data !== '') onEvent({ ...event, data: event.data.slice(0, -1) })
        event = { id: event.id, name: '', data: '' }
      } else {
        addLine(event, line)
      }
    }
  }
}

function addLine(event: RawEvent, line: string) {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const field = colon < 0 ? line : line.slice(0, colon)
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (field === 'data') event.data += value + '\n'
  else if (field === 'event') event.name = value
  else if (field === 'id') event.id = value
}

function parseEvent(e: RawEvent): LiveEvent | undefined {
  try {
    const body = JSON.parse(e.data) as LiveEvent
    return { ...body, kind: body.kind ?? e.name }
  } catch {
    return undefined
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
