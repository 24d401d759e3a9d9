import { expect, it } from 'vitest'
import { readEvents, type RawEvent } from './sse'

async function read(chunks: string[]): Promise<RawEvent[]> {
  const out: RawEvent[] = []
  const body = new ReadableStream<Uint8Array>({
    start(c) {
      for (const chunk of chunks) c.enqueue(new TextEncoder().encode(chunk))
      c.close()
    },
  })
  await readEvents(body, (e) => out.push(e))
  return out
}

it('reads events, however they are cut', async () => {
  const text = ': hello\n\nid: 7\nevent: session.started\ndata: {"a":"é"}\n\nevent:x\ndata:1\ndata:2\n\n'
  const whole = await read([text])
  expect(whole).toEqual([
    { id: '7', name: 'session.started', data: '{"a":"é"}' },
    { id: '7', name: 'x', data: '1\n2' },
  ])
  for (const size of [1, 2, 3, 7]) {
    const bytes = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? []
    expect(await read(bytes)).toEqual(whole)
  }
})

it('takes CRLF, and drops an event that was not finished', async () => {
  expect(await read(['data: a\r\n\r\ndata: b\r\n'])).toEqual([{ id: '', name: '', data: 'a' }])
})
