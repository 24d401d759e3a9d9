// What a form needs to know of a JSON Schema as the API draws it for OCPP
// messages: objects, lists, enumerations, numbers, instants and plain text.

export interface Schema {
  type?: string
  title?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  enum?: string[]
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  additionalProperties?: boolean
}

export type Value = unknown
export type Path = (string | number)[]

export type FieldKind = 'object' | 'list' | 'choice' | 'boolean' | 'integer' | 'number' | 'instant' | 'text' | 'any'

export function kindOf(s: Schema): FieldKind {
  if (s.enum) return 'choice'
  switch (s.type) {
    case 'object':
      return 'object'
    case 'array':
      return 'list'
    case 'boolean':
    case 'integer':
    case 'number':
      return s.type
    case 'string':
      return s.format === 'date-time' ? 'instant' : 'text'
    default:
      return 'any'
  }
}

export interface Field {
  name: string
  schema: Schema
  required: boolean
}

const isNested = (s: Schema) => ['object', 'list', 'any'].includes(kindOf(s))

/** Fields of an object as a person reads them: required first, plain before nested, the vendor's own last. */
export function fieldsOf(s: Schema): Field[] {
  const required = new Set(s.required ?? [])
  const rank = (f: Field) => (f.name === 'customData' ? 8 : 0) + (f.required ? 0 : 2) + (isNested(f.schema) ? 1 : 0)
  return Object.entries(s.properties ?? {})
    .map(([name, schema]) => ({ name, schema, required: required.has(name) }))
    .map((f, i) => ({ f, i }))
    .sort((a, b) => rank(a.f) - rank(b.f) || a.i - b.i)
    .map(({ f }) => f)
}

/** What is on the form: what must be, what is there, and at the top also what is plain. The rest is added on demand. */
export function shownFields(s: Schema, value: Record<string, Value>, top: boolean): { shown: Field[]; more: Field[] } {
  const all = fieldsOf(s)
  const visible = (f: Field) => f.required || f.name in value || (top && !isNested(f.schema))
  return { shown: all.filter(visible), more: all.filter((f) => !visible(f)) }
}

/** The least that a schema allows, for a part that was just added; undefined where somebody must decide. */
export function emptyOf(s: Schema): Value {
  switch (kindOf(s)) {
    case 'object':
      return Object.fromEntries(
        fieldsOf(s)
          .filter((f) => f.required)
          .map((f) => [f.name, emptyOf(f.schema)])
          .filter(([, v]) => v !== undefined),
      )
    case 'list':
      return Array.from({ length: s.minItems ?? 0 }, () => emptyOf(s.items ?? {}))
    case 'choice':
      return s.enum?.length === 1 ? s.enum[0] : undefined
    case 'boolean':
      return false
    case 'any':
      return ''
    default:
      return undefined
  }
}

export const isRecord = (v: unknown): v is Record<string, Value> => typeof v === 'object' && v !== null && !Array.isArray(v)

/** A copy with the value at a path changed; undefined takes an object's field away. */
export function setAt(root: Value, path: Path, value: Value): Value {
  const [head, ...rest] = path
  if (head === undefined) return value
  if (typeof head === 'number') {
    const list = Array.isArray(root) ? [...root] : []
    list[head] = setAt(list[head], rest, value)
    return list
  }
  const object = isRecord(root) ? { ...root } : {}
  const next = setAt(object[head], rest, value)
  if (next === undefined) delete object[head]
  else object[head] = next
  return object
}

/** A copy without the place of a list, or the field of an object, at a path. */
export function removeAt(root: Value, path: Path): Value {
  const last = path.at(-1)
  if (typeof last !== 'number') return setAt(root, path, undefined)
  const above = path.slice(0, -1)
  const list = above.reduce<Value>((v, p) => (v as Record<string | number, Value> | undefined)?.[p as never], root)
  return setAt(root, above, Array.isArray(list) ? list.filter((_, i) => i !== last) : [])
}
