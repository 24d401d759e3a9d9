import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import { formatter, type Formatter } from './format'

const Locale = createContext<Formatter>(formatter('en'))

export function LocaleProvider({ language, children }: { language: string; children: ReactNode }) {
  const value = useMemo(() => formatter(regionalLocale(language, navigator.languages)), [language])
  return <Locale.Provider value={value}>{children}</Locale.Provider>
}

export const useFormat = () => useContext(Locale)

/** The browser's regional form of the chosen language (fr → fr-CA) if it names one. */
export function regionalLocale(language: string, preferred: readonly string[]): string {
  return preferred.find((l) => l.toLowerCase().startsWith(`${language}-`)) ?? language
}

export const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone

/** The current time, renewed now and then, for "5 min ago". */
export function useNow(everyMs = 15_000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
