import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

// The server refuses a filter or an order it does not know. What the lists of
// the rooms offer is therefore compared with the server's own document.

const SRC = resolve(import.meta.dirname, '..')

interface Operation {
  description?: string
  parameters?: { name: string }[]
}

const document = JSON.parse(readFileSync(join(SRC, '../openapi.json'), 'utf8')) as { paths: Record<string, { get?: Operation }> }

const LISTS: [file: string, path: string][] = [
  ['rooms/station/list/StationTable.tsx', '/charging-stations'],
  ['rooms/station/list/KnockingPage.tsx', '/knocking-stations'],
  ['rooms/station/page/MessageLog.tsx', '/charging-stations/{id}/messages'],
  ['rooms/station/page/StatusHistory.tsx', '/charging-stations/{id}/status-history'],
  ['rooms/station/command/CommandHistory.tsx', '/charging-stations/{id}/commands'],
  ['rooms/device/SecurityEvents.tsx', '/charging-stations/{id}/security-events'],
  ['rooms/session/SessionTable.tsx', '/sessions'],
  ['rooms/billing/CdrsPage.tsx', '/cdrs'],
  ['rooms/location/SitesPage.tsx', '/sites'],
  ['rooms/access/IdTokensPage.tsx', '/id-tokens'],
  ['rooms/tariff/list/TariffsPage.tsx', '/tariffs'],
  ['rooms/tariff/group/GroupsList.tsx', '/tariff-groups'],
  ['rooms/tariff/change/ChangesList.tsx', '/tariff-changes'],
  ['rooms/tariff/series/SeriesList.tsx', '/price-series'],
  ['rooms/tariff/backtest/BacktestsList.tsx', '/tariff-backtests'],
  ['rooms/billing/HeldPage.tsx', '/held-cdrs'],
  ['rooms/identity/Users.tsx', '/users'],
  ['rooms/identity/ApiKeys.tsx', '/api-keys'],
]

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((m) => m[1] ?? '').filter(Boolean)

describe.each(LISTS)('%s', (file, path) => {
  const text = readFileSync(join(SRC, file), 'utf8')
  const operation = document.paths[`/api/v1${path}`]?.get
  const known = (operation?.parameters ?? []).map((p) => p.name)
  const sortable = /Sort fields: ([^(]*)\(/.exec(operation?.description ?? '')?.[1]?.split(',').map((s) => s.trim()) ?? []

  it('filters and searches by what the server knows', () => {
    const used = [...all(text, /\bfield: '([^']+)'/g), ...all(text, /\bparam: '([^'[]+)/g)]
    expect(used.filter((f) => !known.includes(f))).toEqual([])
  })

  it('sorts by what the server sorts by', () => {
    const used = [...all(text, /\bsort: '-?([^']+)'/g), ...all(text, /use(?:Url|Local)ListState\('-?([^']+)'/g)]
    expect(used.filter((f) => !sortable.includes(f))).toEqual([])
  })
})
