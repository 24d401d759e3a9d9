import { createContext, useContext } from 'react'
import type { FieldError } from './types'

/** What the server says of the draft, by place: "elements[0].price_components[0].price". */
export const Faults = createContext<FieldError[]>([])

/** The complaint about one field. */
export function useFault(place: string): string | undefined {
  return useContext(Faults).find((e) => e.place === place)?.message
}

/** Complaints about the place itself, or anything in it. */
export function useFaultsIn(place: string): FieldError[] {
  return useContext(Faults).filter((e) => e.place === place || e.place.startsWith(`${place}.`) || e.place.startsWith(`${place}[`))
}

export const faultsOf = (errors: { location?: string; message: string }[]): FieldError[] =>
  errors.map((e) => ({ place: (e.location ?? '').replace(/^body\.?/, ''), message: e.message }))
