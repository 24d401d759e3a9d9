import { useEffect, useRef, useSyncExternalStore } from 'react'
import { openEvents, type LiveState } from './sse'
import type { LiveEvent } from './types'

// One stream of events for the whole app, open while something listens and
// the page is visible: browsers allow six connections to a server over
// HTTP/1.1, and a forgotten tab must not hold one.

type Listener = (e: LiveEvent) => void

const listeners = new Set<Listener>()
const stateListeners = new Set<() => void>()
const HIDDEN_GRACE_MS = 30_000

let state: LiveState = 'connecting'
let stop: (() => void) | undefined
let hiddenTimer: ReturnType<typeof setTimeout> | undefined

function setState(next: LiveState) {
  if (state === next) return
  const resumed = state === 'polling' && next === 'live'
  state = next
  for (const fn of stateListeners) fn()
  if (resumed) deliver({ kind: RESUMED })
}

/** Sent to every listener after a gap in the stream: what was missed must be read again. */
export const RESUMED = 'stream.resumed'

/** The server's word for "too much was missed to send it". */
const RESET = 'reset'

function deliver(e: LiveEvent) {
  const event = e.kind === RESET ? { kind: RESUMED } : e
  for (const fn of [...listeners]) fn(event)
}

function start() {
  if (stop || document.hidden) return
  stop = openEvents({ onEvent: deliver, onState: setState })
}

function halt() {
  stop?.()
  stop = undefined
}

function onVisibility() {
  clearTimeout(hiddenTimer)
  if (!document.hidden) {
    const slept = !stop
    if (listeners.size > 0) start()
    if (slept) deliver({ kind: RESUMED })
  } else {
    hiddenTimer = setTimeout(halt, HIDDEN_GRACE_MS)
  }
}

export function subscribe(fn: Listener): () => void {
  if (listeners.size === 0) document.addEventListener('visibilitychange', onVisibility)
  listeners.add(fn)
  start()
  return () => {
    listeners.delete(fn)
    if (listeners.size > 0) return
    document.removeEventListener('visibilitychange', onVisibility)
    halt()
  }
}

/** Calls fn for every fact and signal while the component is shown. */
export function useLive(fn: Listener) {
  const latest = useRef(fn)
  useEffect(() => {
    latest.current = fn
  })
  useEffect(() => subscribe((e) => latest.current(e)), [])
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (changed) => {
      stateListeners.add(changed)
      return () => stateListeners.delete(changed)
    },
    () => state,
  )
}

/** How often a live query must poll: rarely while events arrive, often while they do not. */
export function usePollInterval(live = 60_000, polling = 5_000): number {
  return useLiveState() === 'live' ? live : polling
}
