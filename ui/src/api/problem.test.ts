import { describe, expect, it } from 'vitest'
import { asProblem, fieldErrors, Problem, problemFrom } from './problem'

const response = (status: number, body: string) => new Response(body, { status, statusText: 'Refused' })

describe('problemFrom', () => {
  it('reads problem+json', async () => {
    const p = await problemFrom(
      response(
        422,
        JSON.stringify({ title: 'Unprocessable', status: 422, detail: 'id: too long', code: 'station.id', errors: [{ location: 'body.id', message: '1 to 48' }] }),
      ),
    )
    expect(p).toMatchObject({ status: 422, title: 'Unprocessable', detail: 'id: too long', code: 'station.id', unreachable: false })
    expect(p.errors).toEqual([{ location: 'body.id', message: '1 to 48' }])
    expect(p.message).toBe('id: too long')
  })

  it.each([
    ['a proxy page', '<html>Bad gateway</html>'],
    ['nothing', ''],
    ['JSON of another kind', '[]'],
  ])('makes do with %s', async (_, body) => {
    const p = await problemFrom(response(502, body))
    expect(p.status).toBe(502)
    expect(p.title).toBe('Refused')
    expect(p.errors).toEqual([])
  })
})

it('asProblem tells a lost connection from an error of ours', () => {
  expect(asProblem(new TypeError('Failed to fetch')).unreachable).toBe(true)
  expect(asProblem(new Error('x')).unreachable).toBe(false)
  const p = new Problem({ status: 403 })
  expect(asProblem(p)).toBe(p)
})

it('fieldErrors names fields as forms do, first message first', () => {
  const p = new Problem({
    status: 422,
    errors: [
      { location: 'body.address.city', message: 'too long' },
      { location: 'body.id', message: 'a' },
      { location: 'body.id', message: 'b' },
      { location: 'body.elements[0].price', message: 'negative' },
      { message: 'no place' },
    ],
  })
  expect(fieldErrors(p)).toEqual({ city: 'too long', id: 'a', price: 'negative' })
})
