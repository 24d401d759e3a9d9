/** What the server says about one cell, with its place taken apart. */
export interface RowNote {
  row?: number
  column?: string
  message: string
  value?: string
}

const PLACE = /^(?:row (\d+))?\s*(?:column (.+))?$/

/** "row 2 column serial_number" → 2, serial_number; any other place stays with the message. */
export function rowNote(n: { location?: string; message: string; value?: unknown }): RowNote {
  const m = PLACE.exec(n.location ?? '')
  const value = n.value === undefined || n.value === null || n.value === '' ? undefined : String(n.value)
  if (!m) return { message: `${n.location}: ${n.message}`, value }
  return { row: m[1] ? Number(m[1]) : undefined, column: m[2], message: n.message, value }
}
