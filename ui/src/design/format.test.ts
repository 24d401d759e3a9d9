import { describe, expect, it } from 'vitest'
import { formatter } from './format'
import { regionalLocale } from './locale'

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ')
const en = formatter('en-GB')
const fr = formatter('fr-CA')
const de = formatter('de-DE')

describe('formatter', () => {
  it('writes energy and power in the unit that fits', () => {
    expect(plain(en.energy(0))).toBe('0 Wh')
    expect(plain(en.energy(999))).toBe('999 Wh')
    expect(plain(en.energy(12_345))).toBe('12.35 kWh')
    expect(plain(de.energy(1_234_567))).toBe('1,23 MWh')
    expect(plain(fr.power(7_360))).toBe('7,4 kW')
    expect(en.power(undefined)).toBe('–')
  })

  it('writes money exactly, in the order of the country', () => {
    expect(plain(en.money({ amount: '12.30', currency: 'EUR' }))).toBe('€12.30')
    expect(plain(de.money({ amount: '12.30', currency: 'EUR' }))).toBe('12,30 €')
    expect(plain(fr.money({ amount: '1234.50', currency: 'CAD' }))).toBe('1 234,50 $')
    expect(plain(en.money({ amount: '90071992547409931.25', currency: 'EUR' }))).toBe('€90,071,992,547,409,931.25')
    expect(en.money({ amount: '5', currency: 'nonsense' })).toBe('5 nonsense')
  })

  it('writes a moment in the zone of its place', () => {
    const at = '2026-03-29T00:30:00Z'
    expect(en.time(at, 'Europe/Berlin')).toBe('01:30')
    expect(en.time('2026-03-29T01:30:00Z', 'Europe/Berlin')).toBe('03:30')
    expect(en.time(at, 'America/Toronto')).toBe('20:30')
    expect(en.zoneName(at, 'Europe/Berlin')).toBe('CET')
    expect(en.dateTime(undefined)).toBe('–')
    expect(en.dateTime('not a time')).toBe('–')
    expect(en.time(at, 'Not/AZone')).toMatch(/^\d\d:\d\d$/)
  })

  it('writes durations and how long ago', () => {
    expect(plain(en.duration(42_000))).toBe('42 secs')
    expect(plain(en.duration(35 * 60_000))).toBe('35 mins')
    expect(plain(en.duration(95 * 60_000))).toBe('1 hr 35 mins')
    expect(plain(en.duration(26 * 3_600_000))).toBe('1 day 2 hrs')
    const now = Date.parse('2026-01-01T12:00:00Z')
    expect(en.ago('2026-01-01T11:55:00Z', now)).toBe('5 min ago')
    expect(de.ago('2026-01-01T10:00:00Z', now)).toBe('vor 2 Std.')
  })
})

it('regionalLocale keeps the reader’s country when the language fits', () => {
  expect(regionalLocale('fr', ['en-US', 'fr-CA', 'fr'])).toBe('fr-CA')
  expect(regionalLocale('de', ['en-US'])).toBe('de')
})
