import type { Tariff } from '../../../api'

// What the wizard hands to the editor: it lasts from one page to the next, and
// is taken once. A page that is loaded anew begins with an empty form.
let waiting: Tariff | undefined

export const prefill = (t: Tariff) => {
  waiting = t
}

export function takePrefill(): Tariff | undefined {
  const t = waiting
  // Strict mode asks twice within one turn; both are to get it.
  setTimeout(() => {
    waiting = undefined
  }, 0)
  return t
}
