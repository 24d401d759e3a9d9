import { useState } from 'react'
import type { Column } from './types'

export interface ColumnChoice<T> {
  all: Column<T>[]
  shown: Column<T>[]
  isShown: (c: Column<T>) => boolean
  toggle: (id: string) => void
}

/** Which columns are shown, remembered in this browser under the list's name. */
export function useColumns<T>(name: string, all: Column<T>[]): ColumnChoice<T> {
  const key = `forecourt.columns.${name}`
  const [chosen, setChosen] = useState<string[] | undefined>(() => read(key))
  const isShown = (c: Column<T>) => (chosen ? chosen.includes(c.id) : !c.hidden)
  const shown = all.filter(isShown)
  return {
    all,
    shown: shown.length > 0 ? shown : all.slice(0, 1),
    isShown,
    toggle: (id: string) => {
      const next = all.filter((c) => (c.id === id ? !isShown(c) : isShown(c))).map((c) => c.id)
      setChosen(next)
      write(key, next)
    },
  }
}

function read(key: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    return Array.isArray(value) ? value.filter((x) => typeof x === 'string') : undefined
  } catch {
    return undefined
  }
}

function write(key: string, value: string[]) {
  try {
    localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // No storage: the choice lasts as long as the page.
  }
}
