import { Problem, problemFrom } from './problem'
import type { Page } from './types'

export const BASE = '/api/v1'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type Params = Record<string, string | number | boolean | undefined>

interface Options {
  params?: Params
  body?: unknown
  signal?: AbortSignal
  headers?: Record<string, string>
}

/** What is asked before anybody has signed in, and to leave. */
const OPEN = ['/me', '/sign-in', '/sign-out', '/ui-config']

let csrfValue = ''
let session = new AbortController()
let language = 'en'
let onUnauthenticated: () => void = () => {}

/** The token of the signed-in session; the server refuses a change without it. */
export function setCsrfToken(token: string) {
  csrfValue = token
  if (session.signal.aborted) session = new AbortController()
}

/** Asks nothing more in the name of a user who leaves, until somebody signs in, and drops what is under way without a signal of its own. */
export function endRequests() {
  session.abort()
}

/** The token of the session, for a request made elsewhere in api. */
export const csrfToken = () => csrfValue

/** What a change has to carry besides its cookie. */
export const csrf = () => ({ 'X-CSRF-Token': csrfValue })

/** The language in which the server should word what it words itself. */
export function setLanguage(l: string) {
  language = l
}

/** Called when a request is answered with 401: the session has ended. */
export function whenUnauthenticated(fn: () => void) {
  onUnauthenticated = fn
}

export function query(params: Params = {}): string {
  const q = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') q.append(name, String(value))
  }
  const text = q.toString()
  return text ? `?${text}` : ''
}

/** One request to the API. Throws a Problem for every answer that is not 2xx. */
export async function request<T>(method: Method, path: string, o: Options = {}): Promise<T> {
  const open = OPEN.includes(path)
  if (!open) session.signal.throwIfAborted()
  const headers: Record<string, string> = {
    Accept: 'application/json',
    // What the server words itself (a price explained, a tariff in words) comes in the language of the page.
    'Accept-Language': language,
    ...o.headers,
  }
  if (o.body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET') {
    Object.assign(headers, csrf())
    if (method === 'POST') headers['Idempotency-Key'] ??= uniqueKey()
  }
  const response = await send(BASE + path + query(o.params), {
    method,
    headers,
    body: o.body === undefined ? undefined : JSON.stringify(o.body),
    signal: o.signal ?? (open ? undefined : session.signal),
    credentials: 'same-origin',
  })
  if (!response.ok) {
    if (response.status === 401 && !open) onUnauthenticated()
    throw await problemFrom(response)
  }
  if (response.status === 204) return undefined as T
  const text = await response.text()
  return (text ? JSON.parse(text) : undefined) as T
}

export const get = <T>(path: string, params?: Params, signal?: AbortSignal) => request<T>('GET', path, { params, signal })
export const post = <T>(path: string, body?: unknown, headers?: Record<string, string>) =>
  request<T>('POST', path, { body: body ?? {}, headers })
export const put = <T>(path: string, body: unknown) => request<T>('PUT', path, { body })
export const patch = <T>(path: string, body: unknown) => request<T>('PATCH', path, { body })
export const del = <T>(path: string) => request<T>('DELETE', path)

/** Every row of a list, page by page, up to max rows. */
export async function getAll<T>(path: string, params: Params = {}, max = 20_000, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await get<Page<T>>(path, { limit: 1000, ...params, cursor }, signal)
    items.push(...page.items)
    cursor = page.next_cursor
  } while (cursor && items.length < max)
  return items
}

/** The address that downloads a list as a file, with the same filters and order. */
export function exportUrl(path: string, params: Params, format: 'csv' | 'xlsx'): string {
  return BASE + path + query({ ...params, limit: undefined, cursor: undefined, format })
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e
    throw new Problem({ status: 0, detail: e instanceof Error ? e.message : String(e) })
  }
}

function uniqueKey(): string {
  // randomUUID exists in secure contexts only, and the console may be used over plain HTTP.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
}
