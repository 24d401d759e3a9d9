import { expect, it } from 'vitest'
import { preview } from './frame'

it.each([
  ['[2,"7","Heartbeat",{}]', '{}'],
  ['[2,"7","StatusNotification",{"status":"Available"}]', '{"status":"Available"}'],
  ['[3,"7",{"currentTime":"x"}]', '{"currentTime":"x"}'],
  ['[4,"7","InternalError","out of order",{}]', 'InternalError: out of order'],
  ['[4,"7","NotImplemented","",{}]', 'NotImplemented'],
  ['[6,"7","NotifyPeriodicEventStream",{"id":1}]', '{"id":1}'],
  ['not a frame', 'not a frame'],
  ['{"a":1}', '{"a":1}'],
  ['[2,"7"', '[2,"7"'],
])('preview of %s', (frame, said) => {
  expect(preview(frame)).toBe(said)
})

it('is short', () => {
  expect(preview('x'.repeat(1000))).toHaveLength(200)
})
