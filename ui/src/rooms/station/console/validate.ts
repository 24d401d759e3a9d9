import { isRecord, kindOf, type Path, type Schema, type Value } from './schema'

/** Why a value does not fit; also the key of its text: station.console.fault.<code>. */
export type FaultCode = 'required' | 'unknown' | 'type' | 'choice' | 'long' | 'short' | 'least' | 'most' | 'few' | 'many' | 'instant'

export interface Fault {
  path: Path
  code: FaultCode
  /** What is allowed, where a bound was passed. */
  limit?: string
}

export const pathText = (path: Path): string => path.map((p, i) => (typeof p === 'number' ? `[${p}]` : i === 0 ? p : `.${p}`)).join('')

/** Everything in a payload that its schema does not allow. */
export function validate(schema: Schema, value: Value, path: Path = []): Fault[] {
  const fault = (code: FaultCode, limit?: unknown): Fault[] => [{ path, code, limit: limit === undefined ? undefined : String(limit) }]
  switch (kindOf(schema)) {
    case 'object':
      return isRecord(value) ? object(schema, value, path) : fault('type', 'object')
    case 'list':
      return Array.isArray(value) ? list(schema, value, path) : fault('type', 'array')
    case 'choice':
      return schema.enum?.includes(value as string) ? [] : fault('choice', schema.enum?.join(', '))
    case 'boolean':
      return typeof value === 'boolean' ? [] : fault('type', 'boolean')
    case 'integer':
    case 'number':
      return number(schema, value, fault)
    case 'instant':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value)) ? [] : fault('instant')
    case 'text':
      return text(schema, value, fault)
    case 'any':
      return []
  }
}

type Make = (code: FaultCode, limit?: unknown) => Fault[]

function number(s: Schema, v: Value, fault: Make): Fault[] {
  if (typeof v !== 'number' || !Number.isFinite(v) || (s.type === 'integer' && !Number.isInteger(v))) return fault('type', s.type)
  if (s.minimum !== undefined && v < s.minimum) return fault('least', s.minimum)
  return s.maximum !== undefined && v > s.maximum ? fault('most', s.maximum) : []
}

function text(s: Schema, v: Value, fault: Make): Fault[] {
  if (typeof v !== 'string') return fault('type', 'string')
  const length = [...v].length
  if (length < (s.minLength ?? 0)) return fault('short', s.minLength)
  return s.maxLength !== undefined && length > s.maxLength ? fault('long', s.maxLength) : []
}

function object(s: Schema, v: Record<string, Value>, path: Path): Fault[] {
  const known = s.properties ?? {}
  const missing = (s.required ?? []).filter((name) => v[name] === undefined)
  return [
    ...missing.map((name): Fault => ({ path: [...path, name], code: 'required' })),
    ...Object.entries(v).flatMap(([name, x]): Fault[] => {
      const shape = known[name]
      if (shape) return x === undefined ? [] : validate(shape, x, [...path, name])
      return s.additionalProperties === false ? [{ path: [...path, name], code: 'unknown' }] : []
    }),
  ]
}

function list(s: Schema, v: Value[], path: Path): Fault[] {
  const inside = v.flatMap((x, i) => validate(s.items ?? {}, x, [...path, i]))
  if (v.length < (s.minItems ?? 0)) return [{ path, code: 'few', limit: String(s.minItems) }, ...inside]
  if (s.maxItems !== undefined && v.length > s.maxItems) return [{ path, code: 'many', limit: String(s.maxItems) }, ...inside]
  return inside
}
