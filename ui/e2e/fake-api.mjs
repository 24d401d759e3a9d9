// Serves the built app with an API of invented stations, for tests of the app
// alone: `node e2e/fake-api.mjs [port]`. The product is tested with run.mjs
// against the real binary; nothing here is part of it.
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as world from './fake-world.mjs'

const DIST = fileURLToPath(new URL('../dist', import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }
const CSP = "default-src 'self'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data: blob:; object-src 'none'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"

const streams = new Set()
world.onEvent((e) => {
  for (const res of streams) res.write(`event: ${e.kind}\ndata: ${JSON.stringify(e)}\n\n`)
})

class Refusal extends Error {
  constructor(status, detail, errors) {
    super(detail)
    this.body = { type: 'about:blank', title: 'refused', status, detail, errors }
  }
}

const need = (x) => {
  if (x === undefined) throw new Refusal(404, 'There is no such thing.')
  return x
}

/** Method and path → handler; ":x" matches one segment. */
const routes = [
  ['POST', '/sign-in', ({ body }) => {
    if (body.email !== world.USER.email || body.password !== world.PASSWORD) throw new Refusal(401, 'E-mail or password is wrong.')
    return { cookie: 'forecourt=1; Path=/; HttpOnly; SameSite=Lax', body: world.me() }
  }],
  ['POST', '/sign-out', () => ({ cookie: 'forecourt=; Path=/; Max-Age=0', body: {} })],
  ['GET', '/me', () => ({ body: world.me() })],
  ['PATCH', '/me', () => ({ status: 204 })],
  ['GET', '/ui-config', () => ({ body: { version: 'fake' } })],
  ['GET', '/charging-stations', (r) => list(r, world.stations)],
  ['POST', '/charging-stations', ({ body }) => {
    if (!body.id) throw new Refusal(422, 'The id is missing.', [{ location: 'body.id', message: '1 to 48 characters' }])
    if (world.stations.find((s) => s.id === body.id)) throw new Refusal(409, `A station ${body.id} exists already.`)
    return { status: 201, body: world.addStation(body) }
  }],
  ['GET', '/charging-stations/:id', ({ id }) => ({ body: need(world.stations.find((s) => s.id === id)) })],
  ['PATCH', '/charging-stations/:id', ({ id, body }) => ({ body: Object.assign(need(world.stations.find((s) => s.id === id)), body) })],
  ['GET', '/charging-stations/:id/status-history', ({ id }) => ({ body: { items: world.history(id) } })],
  ['GET', '/charging-stations/:id/messages', (r) => list(r, world.messages.filter((m) => m.station_id === r.id))],
  ['GET', '/charging-stations/:id/security-profile', () => ({ body: { security_profile: 1, connected_profile: 1, proven_profile: 0, online: true } })],
  ['GET', '/charging-stations/:id/installed-certificates', () => ({ body: { installed: [], roots: [] } })],
  ['GET', '/charging-stations/:id/connector-map', () => ({ body: { source: 'default', places: [], history: [] } })],
  ['GET', '/charging-stations/:id/quirks', ({ id }) => ({ body: { station_id: id, switches: [{ name: 'rate_in_watts', on: false, quirks: ['Q25'] }], known: [], deviations: [] } })],
  ...['/certificates', '/certificate-requests', '/certificate-authorities', '/trust-roots', '/connector-maps'].map((path) => ['GET', path, () => ({ body: { items: [] } })]),
  ['GET', '/system/parked-facts', () => ({ body: { items: [] } })],
  ['GET', '/system/failed-jobs', () => ({ body: { items: [] } })],
  ['GET', '/system/storage', () => ({ body: { database: 'sqlite', bytes: 1e7, free_bytes: 0, items: [{ name: 'messages', tables: ['message_log'], rows: 9000, bytes: 8e6, keep_days: 90, setting: 'message-retention' }] } })],
  ['GET', '/charging-stations/:id/security-events', () => ({ body: { items: [] } })],
  ['POST', '/charging-stations/:id/variables/refresh', () => ({ status: 202 })],
  ['GET', '/charging-stations/:id/variables', (r) => list(r, world.variables)],
  ['GET', '/charging-stations/:id/commands', (r) => list(r, world.commands.filter((c) => c.station_id === r.id))],
  ['POST', '/charging-stations/:id/commands', ({ id, body }) => ({ status: 202, body: world.command(id, body) })],
  ['GET', '/commands/:id', ({ id }) => ({ body: need(world.commands.find((c) => c.id === id)) })],
  ['GET', '/sessions', (r) => list(r, world.sessions)],
  ['GET', '/sessions/:id', ({ id }) => ({ body: need(world.sessions.find((s) => s.id === id)) })],
  ['GET', '/sessions/:id/samples', (r) => list(r, world.samples(r.id))],
  ['GET', '/sessions/:id/intervals', (r) => list(r, world.intervals(r.id))],
  ['GET', '/knocking-stations', (r) => list(r, world.knocking)],
  ...Object.entries({ '/sites': world.sites, '/id-tokens': world.tokens, '/tariffs': world.tariffs, '/tariff-assignments': world.assignments, '/cdrs': world.cdrs, '/users': world.users, '/roles': world.roles, '/api-keys': world.keys, '/organisations': [world.ORGANISATION] }).flatMap(
    ([path, rows]) => [
      ['GET', path, (r) => list(r, rows)],
      ['GET', `${path}/:id`, ({ id }) => ({ body: need(rows.find((x) => x.id === id)) })],
      ['POST', path, ({ body }) => {
        const row = { id: `new-${rows.length}`, created_at: new Date().toISOString(), ...body }
        rows.push(row)
        return { status: 201, body: path === '/api-keys' ? { ...row, key: 'fk_4e8Jq0vJ1c9pXw2sT7yBnK5m' } : row }
      }],
      ['PATCH', `${path}/:id`, ({ id, body }) => ({ body: Object.assign(need(rows.find((x) => (x.id ?? x.id_token) === id)), body) })],
      ['DELETE', `${path}/:id`, ({ id }) => (rows.splice(rows.findIndex((x) => x.id === id), 1), { status: 204 })],
    ],
  ),
]

function list({ query }, rows) {
  let out = rows.filter((row) => [...query].every(([key, value]) => matches(row, key, value)))
  const sort = query.get('sort')
  if (sort) {
    const field = sort.replace(/^-/, '')
    const sign = sort.startsWith('-') ? -1 : 1
    out = [...out].sort((a, b) => sign * String(a[field] ?? '').localeCompare(String(b[field] ?? ''), 'en', { numeric: true }))
  }
  if (query.get('format') === 'csv') return { csv: csv(out) }
  const from = Number(query.get('cursor') ?? 0)
  const limit = Number(query.get('limit') ?? 50)
  const next = from + limit < out.length ? String(from + limit) : undefined
  return { body: { items: out.slice(from, from + limit), next_cursor: next } }
}

function matches(row, key, value) {
  if (['sort', 'limit', 'cursor', 'format'].includes(key)) return true
  if (key === 'q') return JSON.stringify([row.id, row.name, row.vendor, row.model]).toLowerCase().includes(value.toLowerCase())
  const [, field, op = 'eq'] = /^([^[]+)(?:\[(\w+)\])?$/.exec(key) ?? []
  const x = String(row[field] ?? '')
  if (op === 'contains') return x.toLowerCase().includes(value.toLowerCase())
  if (op === 'in') return value.split(',').includes(x)
  if (op === 'eq') return x === value
  const order = x.localeCompare(value, 'en', { numeric: true })
  return { gte: order >= 0, lte: order <= 0, gt: order > 0, lt: order < 0 }[op]
}

function csv(rows) {
  const names = Object.keys(rows[0] ?? { id: '' }).filter((k) => typeof rows[0]?.[k] !== 'object')
  const cell = (v) => (/[",\n]/.test(String(v ?? '')) ? `"${String(v).replaceAll('"', '""')}"` : String(v ?? ''))
  return [names.join(','), ...rows.map((r) => names.map((n) => cell(r[n])).join(','))].join('\r\n') + '\r\n'
}

async function api(req, res, url) {
  const path = url.pathname.slice('/api/v1'.length)
  if (path !== '/sign-in' && path !== '/ui-config' && !/forecourt=1/.test(req.headers.cookie ?? '')) throw new Refusal(401, 'Not signed in.')
  if (path === '/events') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': hello\n\n')
    streams.add(res)
    req.on('close', () => streams.delete(res))
    return
  }
  for (const [method, pattern, handle] of routes) {
    const m = new RegExp(`^${pattern.replace(/:\w+/g, '([^/]+)')}$`).exec(path)
    if (method !== req.method || !m) continue
    const text = await new Response(req.method === 'GET' ? null : req).text().catch(() => '')
    const answer = handle({ id: m[1] && decodeURIComponent(m[1]), query: url.searchParams, body: text ? JSON.parse(text) : {} })
    if (answer.cookie) res.setHeader('Set-Cookie', answer.cookie)
    if (answer.csv) return void res.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': 'attachment; filename="export.csv"' }).end(answer.csv)
    return void res.writeHead(answer.status ?? 200, { 'Content-Type': 'application/json' }).end(answer.body ? JSON.stringify(answer.body) : '')
  }
  throw new Refusal(404, `There is no ${req.method} ${path}.`)
}

async function file(res, url) {
  const path = join(DIST, normalize(decodeURIComponent(url.pathname)))
  const found = path.startsWith(DIST) && extname(path) ? await readFile(path).catch(() => undefined) : undefined
  const body = found ?? (await readFile(join(DIST, 'index.html')))
  res.writeHead(200, { 'Content-Type': found ? (TYPES[extname(path)] ?? 'application/octet-stream') : 'text/html', 'Content-Security-Policy': CSP }).end(body)
}

export function start(port = 0) {
  const server = createServer((req, res) => {
    const url = new URL(req.url, 'http://localhost')
    const work = url.pathname.startsWith('/api/v1/') ? api(req, res, url) : file(res, url)
    work.catch((e) => {
      const body = e.body ?? { title: 'error', status: 500, detail: String(e) }
      res.writeHead(body.status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(body))
    })
  })
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) })))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await start(Number(process.argv[2] ?? 0))).url)
}
