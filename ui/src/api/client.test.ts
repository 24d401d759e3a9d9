import { describe, expect, it } from 'vitest'
import { serve } from '../testing/serve'
import { endRequests, exportUrl, get, getAll, post, query, setCsrfToken, whenUnauthenticated } from './client'
import { Problem } from './problem'

describe('query', () => {
  it('leaves out what is not set and keeps operators', () => {
    expect(query({ a: 'x y', 'b[gte]': 3, c: undefined, d: '', e: false })).toBe('?a=x+y&b%5Bgte%5D=3&e=false')
    expect(query({})).toBe('')
  })
})

it('exportUrl keeps filters and order, not pages', () => {
  expect(exportUrl('/sessions', { status: 'active', sort: '-started_at', limit: 50, cursor: 'x' }, 'csv')).toBe(
    '/api/v1/sessions?status=active&sort=-started_at&format=csv',
  )
})

it('sends the CSRF token and a fresh idempotency key with a POST, neither with a GET', async () => {
  const asked = serve({ 'POST /x': {}, 'GET /x': {} })
  setCsrfToken('secret')
  await post('/x', { a: 1 })
  await post('/x', { a: 1 })
  await get('/x')
  expect(asked[0]?.headers['X-CSRF-Token']).toBe('secret')
  expect(asked[0]?.headers['Idempotency-Key']).toMatch(/^[0-9a-f]{32}$/)
  expect(asked[1]?.headers['Idempotency-Key']).not.toBe(asked[0]?.headers['Idempotency-Key'])
  expect(asked[2]?.headers['X-CSRF-Token']).toBeUndefined()
})

it('throws the server’s problem, and tells when the session has ended', async () => {
  serve({ 'GET /x': { status: 401, body: { title: 'Unauthorized', detail: 'The session has ended.' } } })
  let ended = 0
  whenUnauthenticated(() => ended++)
  await expect(get('/x')).rejects.toMatchObject({ status: 401, detail: 'The session has ended.' })
  await expect(get('/me')).rejects.toBeInstanceOf(Problem)
  expect(ended).toBe(1)
})

it('asks nothing in the name of a user who leaves, until somebody signs in', async () => {
  const asked = serve({ 'GET /x': {}, 'POST /sign-out': {} })
  endRequests()
  await expect(get('/x')).rejects.toMatchObject({ name: 'AbortError' })
  await expect(get('/x', {}, new AbortController().signal)).rejects.toMatchObject({ name: 'AbortError' })
  await post('/sign-out')
  expect(asked.map((r) => r.path)).toEqual(['/sign-out'])
  setCsrfToken('of the next')
  await get('/x')
  expect(asked).toHaveLength(2)
})

it('getAll follows cursors', async () => {
  let calls = 0
  serve({ 'GET /rows': () => (calls++ === 0 ? { body: { items: [1, 2], next_cursor: 'c' } } : { body: { items: [3] } }) })
  expect(await getAll('/rows')).toEqual([1, 2, 3])
})
