import { vi } from 'vitest'

export interface Asked {
  method: string
  path: string
  query: URLSearchParams
  body: unknown
  headers: Record<string, string>
}

type Answer = { status?: number; body?: unknown; type?: string }

/** Stands in for the server: answers by "METHOD /path", and records what was asked. */
export function serve(answers: Record<string, Answer | ((asked: Asked) => Answer)>) {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    init.signal?.throwIfAborted()
    const [path = '', query] = url.replace('/api/v1', '').split('?')
    const one: Asked = {
      method: init.method ?? 'GET',
      path,
      query: new URLSearchParams(query),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
      headers: (init.headers ?? {}) as Record<string, string>,
    }
    asked.push(one)
    const answer = answers[`${one.method} ${path}`]
    const { status = 200, body = {}, type } = (typeof answer === 'function' ? answer(one) : answer) ?? { status: 404, body: { title: 'Not Found' } }
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'Content-Type': type ?? (status >= 400 ? 'application/problem+json' : 'application/json') },
    })
  })
  return asked
}
