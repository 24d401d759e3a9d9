export interface Difference {
  path: string
  before?: string
  after?: string
}

/** What stands by itself on every version and says nothing about the price. */
const IGNORED = new Set(['$schema', 'version', 'newest_version', 'last_updated', 'summary', 'status', 'organisation', 'valid_from'])

/** What differs between two documents, by path; lists are compared place by place. */
export function differences(before: unknown, after: unknown): Difference[] {
  const [a, b] = [flat(before), flat(after)]
  const paths = [...new Set([...a.keys(), ...b.keys()])]
  return paths.filter((p) => a.get(p) !== b.get(p)).map((path) => ({ path, before: a.get(path), after: b.get(path) }))
}

function flat(value: unknown, path = '', out = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value)) value.forEach((x, i) => flat(x, `${path}[${i + 1}]`, out))
  else if (typeof value === 'object' && value !== null) {
    for (const [k, v] of Object.entries(value)) if (path !== '' || !IGNORED.has(k)) flat(v, path ? `${path}.${k}` : k, out)
  } else if (value !== undefined) out.set(path, String(value))
  return out
}
