// Charging schedules as OCPP tells them: limits from a start on, each until
// the next. OCPP 2.1 part 2 §2.19 ChargingScheduleType; 1.6 has the same
// fields in GetCompositeSchedule.conf.

export interface Period {
  startPeriod: number
  limit?: number
}

export interface Schedule {
  unit: string
  start: number
  /** Seconds; until the last period's begin plus an hour when unsaid. */
  duration?: number
  periods: Period[]
}

const HOUR = 3600

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)

/** The schedule in an answer to GetCompositeSchedule of any version; undefined without one. */
export function compositeOf(response: unknown, now: number): Schedule | undefined {
  if (!isObject(response)) return undefined
  const s = isObject(response.schedule) ? response.schedule : isObject(response.chargingSchedule) ? response.chargingSchedule : undefined
  if (!s) return undefined
  return scheduleOf({ ...s, startSchedule: s.scheduleStart ?? s.startSchedule ?? response.scheduleStart }, now)
}

export function scheduleOf(s: unknown, now: number): Schedule | undefined {
  if (!isObject(s) || !Array.isArray(s.chargingSchedulePeriod)) return undefined
  const start = typeof s.startSchedule === 'string' ? Date.parse(s.startSchedule) : now
  return {
    unit: s.chargingRateUnit === 'A' ? 'A' : 'W',
    start: Number.isNaN(start) ? now : start,
    duration: typeof s.duration === 'number' ? s.duration : undefined,
    periods: s.chargingSchedulePeriod.filter(isObject).map((p) => ({ startPeriod: Number(p.startPeriod) || 0, limit: typeof p.limit === 'number' ? p.limit : undefined })),
  }
}

/** The steps of a schedule as a curve: the limit at the begin and the end of each period. */
export function steps(s: Schedule): { times: number[]; values: (number | null)[] } {
  const last = s.periods.at(-1)?.startPeriod ?? 0
  const end = s.duration && s.duration > last ? s.duration : last + HOUR
  const times: number[] = []
  const values: (number | null)[] = []
  s.periods.forEach((p, i) => {
    const until = s.periods[i + 1]?.startPeriod ?? end
    times.push(s.start + p.startPeriod * 1000, s.start + until * 1000 - 1)
    values.push(p.limit ?? null, p.limit ?? null)
  })
  return { times, values }
}

/** "16 A, after 1 h 8 A" in short: the limits a profile goes through. */
export const limitsOf = (s: Schedule): string => s.periods.map((p) => `${p.limit ?? '–'} ${s.unit}`).join(' → ')
