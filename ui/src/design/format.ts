import type { Money } from './money'

/** Writes numbers, dates and money the way the user's country does. */
export interface Formatter {
  locale: string
  number: (v: number, digits?: number) => string
  percent: (v: number) => string
  /** short: no zeros after the decimal sign, for the scale of a chart. */
  energy: (wh: number | undefined, short?: boolean) => string
  power: (w: number | undefined, short?: boolean) => string
  bytes: (n: number | undefined) => string
  money: (m: Money | undefined) => string
  date: (at: string | undefined, zone?: string) => string
  time: (at: string | undefined, zone?: string) => string
  dateTime: (at: string | undefined, zone?: string) => string
  /** Day and time to the second, short: for logs. */
  timeSeconds: (at: string | undefined, zone?: string) => string
  zoneName: (at: string, zone: string) => string
  ago: (at: string | undefined, now: number) => string
  duration: (ms: number) => string
}

export const NONE = '–'

export function formatter(locale: string): Formatter {
  const number = (v: number, digits = 0, least = digits) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: least }).format(v)
  const at = (text: string | undefined, o: Intl.DateTimeFormatOptions, zone?: string) => {
    const d = instant(text)
    return d ? dateFormat(locale, o, zone).format(d) : NONE
  }
  return {
    locale,
    number: (v, digits) => number(v, digits),
    percent: (v) => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(v / 100),
    energy: (wh, short) => scaled(wh, ['Wh', 'kWh', 'MWh', 'GWh'], [0, 2, 2, 2], short, number),
    power: (w, short) => scaled(w, ['W', 'kW', 'MW', 'GW'], [0, 1, 2, 2], short, number),
    bytes: (n) => scaled(n, ['B', 'kB', 'MB', 'GB', 'TB'], [0, 0, 1, 2, 2], false, number),
    money: (m) => (m ? money(locale, m) : NONE),
    date: (t, zone) => at(t, { dateStyle: 'medium' }, zone),
    time: (t, zone) => at(t, { timeStyle: 'short' }, zone),
    dateTime: (t, zone) => at(t, { dateStyle: 'medium', timeStyle: 'short' }, zone),
    timeSeconds: (t, zone) =>
      at(t, { day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' }, zone),
    zoneName: (t, zone) => zoneName(locale, t, zone),
    ago: (t, now) => ago(locale, t, now),
    duration: (ms) => duration(locale, ms),
  }
}

function instant(text: string | undefined): Date | undefined {
  if (!text) return undefined
  const d = new Date(text)
  return Number.isNaN(d.getTime()) ? undefined : d
}

const dateFormats = new Map<string, Intl.DateTimeFormat>()

function dateFormat(locale: string, o: Intl.DateTimeFormatOptions, timeZone?: string): Intl.DateTimeFormat {
  const key = JSON.stringify([locale, o, timeZone])
  let f = dateFormats.get(key)
  if (!f) {
    try {
      f = new Intl.DateTimeFormat(locale, { ...o, timeZone: timeZone || undefined })
    } catch {
      // A zone this browser does not know: its own is still a true time.
      f = new Intl.DateTimeFormat(locale, o)
    }
    dateFormats.set(key, f)
  }
  return f
}

type Write = (v: number, digits: number, least: number) => string

function scaled(v: number | undefined, units: string[], digits: number[], short: boolean | undefined, number: Write): string {
  if (v === undefined || v === null) return NONE
  let n = 0
  let x = v
  while (Math.abs(x) >= 1000 && n < units.length - 1) {
    x /= 1000
    n++
  }
  const most = digits[n] ?? 0
  return `${number(x, most, short ? 0 : most)}\u00a0${units[n]}`
}

function money(locale: string, m: Money): string {
  try {
    // The string goes in as it is: Intl reads decimals exactly, a float would not.
    return new Intl.NumberFormat(locale, { style: 'currency', currency: m.currency }).format(m.amount as `${number}`)
  } catch {
    return `${m.amount} ${m.currency}`
  }
}

function zoneName(locale: string, text: string, zone: string): string {
  const d = instant(text) ?? new Date(0)
  const parts = dateFormat(locale, { timeZoneName: 'short' }, zone).formatToParts(d)
  return parts.find((p) => p.type === 'timeZoneName')?.value ?? zone
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]

function ago(locale: string, text: string | undefined, now: number): string {
  const d = instant(text)
  if (!d) return NONE
  const ms = d.getTime() - now
  const [unit, size] = STEPS.find(([, s]) => Math.abs(ms) >= s) ?? ['second', 1000]
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }).format(Math.trunc(ms / size), unit)
}

function duration(locale: string, ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000))
  const unit = (v: number, u: string) =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: u, unitDisplay: 'short' }).format(v)
  if (ms < 60_000) return unit(Math.max(0, Math.round(ms / 1000)), 'second')
  const [d, h, m] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60]
  if (d > 0) return `${unit(d, 'day')} ${unit(h, 'hour')}`
  if (h > 0) return `${unit(h, 'hour')} ${unit(m, 'minute')}`
  return unit(m, 'minute')
}
