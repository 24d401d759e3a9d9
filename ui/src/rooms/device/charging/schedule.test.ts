import { describe, expect, it } from 'vitest'
import { compositeOf, limitsOf, scheduleOf, steps } from './schedule'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const periods = [{ startPeriod: 0, limit: 16 }, { startPeriod: 3600, limit: 8 }]

describe('schedules', () => {
  it('reads the answer of 2.x and of 1.6', () => {
    const two = compositeOf({ status: 'Accepted', schedule: { evseId: 1, duration: 7200, scheduleStart: '2026-01-01T01:00:00Z', chargingRateUnit: 'A', chargingSchedulePeriod: periods } }, NOW)
    expect(two).toEqual({ unit: 'A', start: NOW + 3_600_000, duration: 7200, periods })
    const old = compositeOf({ status: 'Accepted', scheduleStart: '2026-01-01T01:00:00Z', chargingSchedule: { chargingRateUnit: 'W', chargingSchedulePeriod: [{ startPeriod: 0, limit: 11000 }] } }, NOW)
    expect(old).toEqual({ unit: 'W', start: NOW + 3_600_000, duration: undefined, periods: [{ startPeriod: 0, limit: 11000 }] })
  })

  it('finds none where there is none', () => {
    expect(compositeOf({ status: 'Rejected' }, NOW)).toBeUndefined()
    expect(compositeOf(undefined, NOW)).toBeUndefined()
    expect(scheduleOf({ chargingRateUnit: 'A' }, NOW)).toBeUndefined()
  })

  it('draws steps that hold until the next', () => {
    const s = scheduleOf({ chargingRateUnit: 'A', duration: 5400, chargingSchedulePeriod: periods }, NOW)
    expect(s && steps(s)).toEqual({ times: [NOW, NOW + 3_599_999, NOW + 3_600_000, NOW + 5_399_999], values: [16, 16, 8, 8] })
    expect(s && limitsOf(s)).toBe('16 A → 8 A')
  })

  it('leaves a gap where nothing is limited', () => {
    const s = scheduleOf({ chargingRateUnit: 'W', chargingSchedulePeriod: [{ startPeriod: 0 }] }, NOW)
    expect(s && steps(s)).toEqual({ times: [NOW, NOW + 3_599_999], values: [null, null] })
  })
})
