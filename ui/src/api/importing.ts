import { BASE, csrf, query } from './client'
import { asProblem, Problem, problemFrom, type FieldProblem } from './problem'

/** What an import did, or would do. passwords: shown this once. */
export interface Imported {
  rows: number
  created: number
  changed: number
  unchanged: number
  sites_created: string[]
  passwords?: { id: string; password: string; url: string }[]
  notes: { location: string; message: string; value?: string }[]
  dry_run: boolean
}

export interface ImportOptions {
  dryRun: boolean
  createSites: boolean
  /** Refuse stations that exist instead of changing them. */
  createOnly: boolean
}

interface Line {
  done?: number
  result?: Imported
  problem?: { code?: string; detail?: string; errors?: FieldProblem[] }
}

const IMPORT = '/charging-stations/import'

/** Where an empty file to fill in is downloaded. */
export const templateUrl = (format: 'csv' | 'xlsx') => `${BASE}/charging-stations/import-template${query({ format })}`

/** Sends a CSV or XLSX file of stations; rows tells, each second, how many have been dealt with. */
export async function importStations(file: Blob, o: ImportOptions, rows: (done: number) => void, signal?: AbortSignal): Promise<Imported> {
  const how = query({ dry_run: o.dryRun, create_sites: o.createSites, mode: o.createOnly ? 'create' : 'upsert', progress: true })
  const headers = { 'Content-Type': file.type || 'application/octet-stream', Accept: 'application/x-ndjson, application/json', ...csrf() }
  let response: Response
  try {
    response = await fetch(BASE + IMPORT + how, { method: 'POST', headers, body: file, credentials: 'same-origin', signal })
  } catch (e) {
    throw new Problem({ status: 0, detail: asProblem(e).detail })
  }
  if (!response.ok) throw await problemFrom(response)
  return last(response, rows)
}

/** Reads an answer that grows line by line; its last line is the result, or the problem. */
async function last(response: Response, rows: (done: number) => void): Promise<Imported> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const got = await reader?.read()
    rest += decoder.decode(got?.value, { stream: !got?.done })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    if (!got || got.done) lines.push(rest)
    for (const text of lines.filter((l) => l.trim() !== '')) {
      const line = JSON.parse(text) as Line
      if (line.result) return line.result
      if (line.problem) throw new Problem({ status: 422, ...line.problem })
      if (line.done !== undefined) rows(line.done)
    }
    if (!got || got.done) throw new Problem({ status: 0, detail: 'the answer ended early' })
  }
}
