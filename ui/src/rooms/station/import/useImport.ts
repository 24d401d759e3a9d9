import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { asProblem, importStations, invalidate, STATIONS, type Imported, type ImportOptions, type Problem } from '../../../api'

type Choice = Omit<ImportOptions, 'dryRun'>

export interface ImportWork {
  busy: boolean
  /** True while rows are stored, false while they are checked only. */
  applying: boolean
  /** Rows dealt with so far. */
  done: number
  result?: Imported
  problem?: Problem
  check: (file: File, c: Choice) => Promise<void>
  apply: (file: File, c: Choice) => Promise<void>
}

/** One import at a time; a newer check takes the place of one that still runs. */
export function useImport(): ImportWork {
  const client = useQueryClient()
  const [state, setState] = useState<Pick<ImportWork, 'busy' | 'applying' | 'done' | 'result' | 'problem'>>({ busy: false, applying: false, done: 0 })
  const running = useRef<AbortController>(undefined)
  // A check that nobody waits for may end; what is being stored goes on.
  useEffect(() => () => running.current?.abort(), [])

  const run = async (file: File, c: Choice, dryRun: boolean) => {
    running.current?.abort()
    const stop = new AbortController()
    if (dryRun) running.current = stop
    const current = () => !stop.signal.aborted
    setState((s) => ({ busy: true, applying: !dryRun, done: 0, result: dryRun ? undefined : s.result }))
    try {
      const result = await importStations(file, { ...c, dryRun }, (done) => current() && setState((s) => ({ ...s, done })), stop.signal)
      if (current()) setState({ busy: false, applying: false, done: result.rows, result })
      if (!dryRun) await invalidate(client, [STATIONS, '/sites', '/knocking-stations'])
    } catch (e) {
      if (current()) setState({ busy: false, applying: false, done: 0, problem: asProblem(e) })
    }
  }
  return { ...state, check: (f, c) => run(f, c, true), apply: (f, c) => run(f, c, false) }
}
