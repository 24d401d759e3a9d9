import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { get, post } from './client'
import { invalidate } from './hooks'
import { asProblem, type Problem } from './problem'
import { stationPath } from './stations'
import type { Command } from './types'

export interface NewCommand {
  action: string
  payload: unknown
  raw?: boolean
  /** Send a raw message although its schema forbids it. */
  force?: boolean
  reason?: string
}

const FINAL = new Set(['accepted', 'rejected', 'failed', 'timed_out'])
const FIRST_PAUSE_MS = 250
const MAX_PAUSE_MS = 2000

export const isFinal = (c: Command) => FINAL.has(c.status)

/**
 * Sends a command and follows it: the server answers at once with the queued
 * command, which is then read until the station has answered or the server
 * has given up waiting. onChange sees every state.
 */
export async function sendCommand(station: string, c: NewCommand, onChange: (c: Command) => void = () => {}) {
  let command = await post<Command>(`${stationPath(station)}/commands`, c, { Prefer: 'respond-async' })
  onChange(command)
  for (let pause = FIRST_PAUSE_MS; !isFinal(command); pause = Math.min(pause * 1.5, MAX_PAUSE_MS)) {
    await new Promise((resolve) => setTimeout(resolve, pause))
    command = await get<Command>(`/commands/${encodeURIComponent(command.id)}`)
    onChange(command)
  }
  return command
}

/** sendCommand for a component: the command as it stands, and the problem if it could not be sent. */
export function useCommand(station: string) {
  const client = useQueryClient()
  const [command, setCommand] = useState<Command>()
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)

  /** Takes the command, or what finds it out first. */
  async function send(c: NewCommand | (() => Promise<NewCommand>)): Promise<Command | undefined> {
    setBusy(true)
    setProblem(undefined)
    setCommand(undefined)
    try {
      return await sendCommand(station, typeof c === 'function' ? await c() : c, setCommand)
    } catch (e) {
      setProblem(asProblem(e))
      return undefined
    } finally {
      setBusy(false)
      void invalidate(client, [`${stationPath(station)}/commands`, stationPath(station)])
    }
  }
  return { send, command, problem, busy }
}
