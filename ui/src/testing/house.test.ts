import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

// The rules of the house: who may import whom, how long a file may be, and
// that no text the user sees stands in the code.

const SRC = resolve(import.meta.dirname, '..')
const MAX_LINES = 300

interface File {
  path: string
  text: string
}

function files(dir: string): File[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) return files(path)
    return /\.(tsx?|css)$/.test(name) ? [{ path: relative(SRC, path), text: readFileSync(path, 'utf8') }] : []
  })
}

const all = files(SRC).filter((f) => f.path !== 'api/schema.d.ts')
const product = all.filter((f) => !/\.test\.tsx?$/.test(f.path) && !f.path.startsWith('testing/'))

/** "rooms/station/page/X.tsx" → "rooms/station"; "api/x.ts" → "api". */
const roomOf = (path: string) => (path.startsWith('rooms/') ? path.split('/').slice(0, 2).join('/') : (path.split('/')[0] ?? ''))

function imports(f: File): string[] {
  const found = [...f.text.matchAll(/(?:from\s+|import\(\s*|import\s+)'(\.[^']+)'/g)].map((m) => m[1] ?? '')
  return found.map((target) => relative(SRC, resolve(SRC, dirname(f.path), target)))
}

const ALLOWED: Record<string, RegExp> = {
  api: /^api/,
  design: /^design/,
  shell: /^(api$|design$|shell|rooms\/\w+$)/,
}

describe('the house', () => {
  it('keeps imports to the plan', () => {
    const bad = product.flatMap((f) => {
      const room = roomOf(f.path)
      const allowed = ALLOWED[room]
      return imports(f)
        .filter((to) => roomOf(to) !== room)
        .filter((to) => (allowed ? !allowed.test(to) : room.startsWith('rooms/') && !/^(api|design|rooms\/\w+)$/.test(to)))
        .map((to) => `${f.path} imports ${to}`)
    })
    expect(bad).toEqual([])
  })

  it('has no circle of rooms', () => {
    const edges = new Map<string, Set<string>>()
    for (const f of product.filter((x) => x.path.startsWith('rooms/'))) {
      const from = roomOf(f.path)
      for (const to of imports(f).map(roomOf)) {
        if (to.startsWith('rooms/') && to !== from) edges.set(from, (edges.get(from) ?? new Set()).add(to))
      }
    }
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      [...(edges.get(from) ?? [])].some((n) => n === to || (!seen.has(n) && reaches(n, to, seen.add(n))))
    expect([...edges.keys()].filter((room) => reaches(room, room))).toEqual([])
  })

  it(`has no file over ${MAX_LINES} lines`, () => {
    expect(all.filter((f) => f.text.split('\n').length > MAX_LINES).map((f) => f.path)).toEqual([])
  })

  it('fetches in api only', () => {
    const own = ['rooms/live/map/world.ts'] // a file of the app itself
    expect(product.filter((f) => !f.path.startsWith('api/') && !own.includes(f.path) && /\bfetch\(/.test(f.text)).map((f) => f.path)).toEqual([])
  })

  it('names no other server', () => {
    const urls = product.flatMap((f) => [...f.text.matchAll(/https?:\/\/[^\s'"`…]+/g)].map((m) => `${f.path}: ${m[0]}`))
    expect(urls).toEqual([])
  })

  it('takes visible text from the catalogues', () => {
    const names = ['Forecourt', 'CSV', 'DataTransfer', 'DE', 'EUR', 'JSON', 'OCPI 2.2.1', 'CSV, XLSX'] // the same in every language
    const found = product
      .filter((f) => f.path.endsWith('.tsx'))
      .flatMap((f) => [
        ...[...f.text.matchAll(/<[A-Za-z][^<>=]*>([^<>{}]*[A-Za-z]{2}[^<>{}]*)<\//g)].map((m) => `${f.path}: ${(m[1] ?? '').trim()}`),
        ...[...f.text.matchAll(/\b(?:label|title|placeholder|description|aria-label)="([^"]*[A-Za-z]{2}[^"]*)"/g)].map((m) => `${f.path}: ${m[1]}`),
      ])
      .filter((x) => !names.some((n) => x.endsWith(`: ${n}`)))
    expect(found).toEqual([])
  })
})
