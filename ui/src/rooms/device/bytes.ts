const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** A size as people read it; 1 kB is 1000 bytes. */
export function bytes(n: number | undefined, locale: string): string {
  if (n === undefined) return '–'
  const step = Math.min(UNITS.length - 1, n > 0 ? Math.floor(Math.log10(n) / 3) : 0)
  const value = new Intl.NumberFormat(locale, { maximumFractionDigits: step === 0 ? 0 : 1 }).format(n / 1000 ** step)
  return `${value}\u00a0${UNITS[step]}`
}
