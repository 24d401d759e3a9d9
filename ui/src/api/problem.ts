/** One field of a request that the server refused. */
export interface FieldProblem {
  location?: string
  message: string
  value?: unknown
}

/** An RFC 9457 problem+json answer, or what stands in for one when the server could not be reached. */
export class Problem extends Error {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly code: string
  readonly errors: FieldProblem[]

  constructor(p: { status: number; title?: string; detail?: string; code?: string; errors?: FieldProblem[] }) {
    super(p.detail || p.title || `HTTP ${p.status}`)
    this.name = 'Problem'
    this.status = p.status
    this.title = p.title ?? ''
    this.detail = p.detail ?? ''
    this.code = p.code ?? ''
    this.errors = p.errors ?? []
  }

  /** True when the request never got an answer. */
  get unreachable() {
    return this.status === 0
  }
}

/** Reads the problem out of a refused response; a body that is no problem+json still yields a Problem. */
export async function problemFrom(response: Response): Promise<Problem> {
  return problemOf(response.status, response.statusText, await response.text().catch(() => ''))
}

export function problemOf(status: number, statusText: string, text: string): Problem {
  try {
    const body = JSON.parse(text) as Record<string, unknown>
    return new Problem({
      status,
      title: stringOf(body.title) || statusText,
      detail: stringOf(body.detail),
      code: stringOf(body.code),
      errors: Array.isArray(body.errors) ? (body.errors as FieldProblem[]) : [],
    })
  } catch {
    return new Problem({ status, title: statusText, detail: text.slice(0, 300) })
  }
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const detail = error instanceof Error ? error.message : String(error)
  return new Problem({ status: error instanceof TypeError ? 0 : 500, detail })
}

/** The refused fields by their last path segment, as a form shows them: `body.address.city` → `city`. */
export function fieldErrors(problem: Problem): Record<string, string> {
  const out: Record<string, string> = {}
  for (const e of problem.errors) {
    const name = (e.location ?? '').split(/[.[\]/]+/).filter(Boolean).pop()
    if (name && !(name in out)) out[name] = e.message
  }
  return out
}

function stringOf(v: unknown): string {
  return typeof v === 'string' ? v : ''
}
