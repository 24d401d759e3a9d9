import type { TFunction } from 'i18next'
import type { Dimension, ElementExtension, PriceComponent, Restrictions } from '../../api'
import type { Formatter } from '../../design'

export const DIMENSIONS: Dimension[] = ['ENERGY', 'TIME', 'PARKING_TIME', 'FLAT']
export const DAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const

/** An amount of money with as many decimals as it has: prices per kWh have more than coins do. */
export function exact(locale: string, amount: string | number, currency: string): string {
  const decimals = (/\.(\d+)/.exec(String(amount))?.[1] ?? '').replace(/0+$/, '').length
  try {
    const f = new Intl.NumberFormat(locale, { style: 'currency', currency, maximumFractionDigits: Math.min(Math.max(decimals, 2), 8) })
    return f.format(amount as `${number}`)
  } catch {
    return `${amount} ${currency}`
  }
}

/** "€0.39 per kWh", before or after tax as the tariff states it. */
export function priceOf(t: TFunction, f: Formatter, c: Pick<PriceComponent, 'type' | 'price'>, currency: string): string {
  return t(`tariff.per.${c.type}`, { price: exact(f.locale, c.price, currency) })
}

/** Whether a component is billed in steps worth telling: more than a Wh or a minute. */
export function stepOf(t: TFunction, f: Formatter, c: PriceComponent): string | undefined {
  if (c.type === 'FLAT' || c.step_size <= 1) return undefined
  const step = c.type === 'ENERGY' ? f.energy(c.step_size) : f.duration(c.step_size * 1000)
  return t('tariff.step', { step })
}

/** The name of a weekday: 0 is Monday. */
export const dayName = (locale: string, n: number, form: 'short' | 'long' = 'short') =>
  new Intl.DateTimeFormat(locale, { weekday: form, timeZone: 'UTC' }).format(new Date(Date.UTC(2024, 0, 1 + n)))

type Between = (key: string, from: number | undefined, to: number | undefined, write: (v: number) => string) => void

/** What must hold for an element, one text a restriction; none: it always holds. */
export function conditions(t: TFunction, f: Formatter, r: Restrictions | undefined, e: ElementExtension | undefined): string[] {
  const out: string[] = []
  const between: Between = (key, from, to, write) => {
    const what = t(`tariff.when.${key}`)
    if (from !== undefined && to !== undefined) out.push(t('tariff.when.between', { what, from: write(from), to: write(to) }))
    else if (from !== undefined) out.push(t('tariff.when.atLeast', { what, from: write(from) }))
    else if (to !== undefined) out.push(t('tariff.when.below', { what, to: write(to) }))
  }
  const kW = (v: number) => `${f.number(v, v % 1 ? 1 : 0)} kW`
  if (r) {
    if (r.day_of_week?.length) out.push(r.day_of_week.map((d) => dayName(f.locale, DAYS.indexOf(d))).join(', '))
    if (r.start_time || r.end_time) out.push(t('tariff.when.hours', { from: r.start_time ?? '00:00', to: r.end_time ?? '24:00' }))
    if (r.start_date) out.push(t('tariff.when.fromDate', { date: f.date(`${r.start_date}T12:00:00Z`, 'UTC') }))
    if (r.end_date) out.push(t('tariff.when.toDate', { date: f.date(`${r.end_date}T12:00:00Z`, 'UTC') }))
    between('energy', r.min_kwh, r.max_kwh, (v) => f.energy(v * 1000, true))
    between('duration', r.min_duration, r.max_duration, (v) => f.duration(v * 1000))
    between('power', r.min_power, r.max_power, kW)
    between('current', r.min_current, r.max_current, (v) => `${f.number(v)} A`)
    if (r.reservation) out.push(t(`tariff.when.${r.reservation}`))
  }
  if (e) {
    if (e.driver_groups?.length) out.push(t('tariff.when.groups', { groups: e.driver_groups.join(', ') }))
    between('soc', e.min_soc, e.max_soc, (v) => f.percent(v))
    between('rated', e.min_rated_power, e.max_rated_power, kW)
  }
  return out
}
