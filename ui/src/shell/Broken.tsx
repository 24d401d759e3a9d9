import type { ErrorComponentProps } from '@tanstack/react-router'
import { asProblem } from '../api'
import { Failed } from '../design'

/** A page that could not be drawn. */
export function Broken({ error, reset }: ErrorComponentProps) {
  return <Failed problem={asProblem(error)} retry={reset} />
}
