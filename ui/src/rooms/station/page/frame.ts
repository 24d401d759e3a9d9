const MAX_PREVIEW = 200

/**
 * What a frame says, without its wrapping: an OCPP-J frame is
 * [2, id, action, payload], [3, id, payload] or [4, id, code, description, details].
 */
export function preview(frame: string): string {
  return (saying(frame) ?? frame).slice(0, MAX_PREVIEW)
}

function saying(frame: string): string | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(frame)
  } catch {
    return undefined
  }
  if (!Array.isArray(parts)) return undefined
  const [type, , third, fourth] = parts as unknown[]
  if (type === 3) return JSON.stringify(third)
  if (type === 4 || type === 5) return [third, fourth].filter((x) => typeof x === 'string' && x !== '').join(': ')
  return fourth === undefined ? undefined : JSON.stringify(fourth)
}
