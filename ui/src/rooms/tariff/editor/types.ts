import type { Tariff } from '../../../api'

export interface FieldError {
  place: string
  message: string
}

/** Changes a copy of the draft. */
export type Update = (change: (draft: Tariff) => void) => void
