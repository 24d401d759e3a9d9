import { expect, it } from 'vitest'
import { interval, session } from '../../testing/things'
import { bars } from './IntervalChart'
import { curve } from './PowerCurve'
import { moments } from './Timeline'

it('curve puts samples in order and leaves gaps where a value is missing', () => {
  expect(
    curve([
      { at: '2026-01-01T00:01:00Z', power_w: 2 },
      { at: '2026-01-01T00:00:00Z', power_w: 1, soc: 20 },
      { at: '2026-01-01T00:02:00Z', energy_wh: 9 },
    ]),
  ).toEqual({ times: [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-01T00:01:00Z')], power: [1, 2], soc: [20, null] })
})

it('bars stand on the clock’s quarter hours, also the first one that began late', () => {
  const made = bars([
    interval('2026-01-01T10:15:00Z', '2026-01-01T10:30:00Z', 2, 'interpolated'),
    interval('2026-01-01T10:07:12Z', '2026-01-01T10:15:00Z', 1),
  ])
  expect(made.times.map((t) => new Date(t).toISOString())).toEqual(['2026-01-01T10:07:30.000Z', '2026-01-01T10:22:30.000Z'])
  expect(made.energy).toEqual([1, 2])
  expect(made.pale).toEqual([false, true])
})

it('moments are in the order they happened', () => {
  const s = session({
    started_at: '2026-01-01T10:00:00Z',
    ended_at: '2026-01-01T11:00:00Z',
    unplugged_at: '2026-01-01T11:05:00Z',
    energy_started_at: '2026-01-01T10:01:00Z',
  })
  expect(moments(s).map((m) => m.key)).toEqual(['started', 'energyStarted', 'ended', 'unplugged'])
})
