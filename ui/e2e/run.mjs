// Drives the console in Chromium as a person would, against a running server:
//
//   node e2e/run.mjs BASE_URL --email E --password P [--out DIR]
//
// Without BASE_URL it starts fake-api.mjs and tests the app alone. The server
// needs stations, one of them online with a free port and a car that comes
// when asked (the demo's simulator), and an account that may do everything.
// It fails on any step, on any request to another server and on any error on
// the browser's console. OWNER_EMAIL and OWNER_PASSWORD stand in for the two
// flags; --out takes a picture of every page; --only names parts to run
// (dashboard,tables,station,device,sessions,people,pricing,security,appearance,pages); CHROMIUM names another browser than /usr/bin/chromium.
import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { open } from './browser.mjs'
import * as fake from './fake-api.mjs'
import { PASSWORD, USER } from './fake-world.mjs'
import { signIn } from './steps/account.mjs'
import { people } from './steps/admin.mjs'
import { device } from './steps/device.mjs'
import { dashboard } from './steps/dashboard.mjs'
import { appearance } from './steps/appearance.mjs'
import { pages } from './steps/pages.mjs'
import { pricing } from './steps/pricing.mjs'
import { security } from './steps/security.mjs'
import { sessions } from './steps/sessions.mjs'
import { station } from './steps/station.mjs'
import { tables } from './steps/tables.mjs'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    email: { type: 'string', default: process.env.OWNER_EMAIL ?? USER.email },
    password: { type: 'string', default: process.env.OWNER_PASSWORD ?? PASSWORD },
    out: { type: 'string' },
    only: { type: 'string' },
  },
})

const own = positionals[0] ? undefined : await fake.start()
const base = (positionals[0] ?? own.url).replace(/\/$/, '')
const { browser, context, wrongs } = await open(base)
if (flags.out) mkdirSync(flags.out, { recursive: true })

let failed = 0
const page = await (await context()).newPage()
page.setDefaultTimeout(20_000)
const run = { base, page, context, ...flags, step, picture }

/** One thing that must work; the rest goes on without it, so that one run shows all that is broken. */
async function step(name, fn) {
  const started = Date.now()
  try {
    await fn()
    console.log(`ok    ${name} (${Date.now() - started} ms)`)
  } catch (e) {
    failed++
    console.log(`FAIL  ${name}\n      ${String(e.stack ?? e).replaceAll('\n', '\n      ')}`)
    await picture(`failed-${failed}`)
  }
}

async function picture(name, of = page) {
  if (flags.out) await of.screenshot({ path: `${flags.out}/${name}.png` })
}

// Importing, signing and moving are the server's own work: the stand-in has none of it.
const parts = [dashboard, tables, station, device, sessions, people, ...(own ? [] : [pricing, security]), appearance, pages]
await signIn(run)
for (const part of parts) if (!flags.only || flags.only.split(',').includes(part.name)) await part(run)
await step('no request to another server, no error on the console', () => {
  if (wrongs.length > 0) throw new Error([...new Set(wrongs)].join('\n'))
})
await browser.close()
own?.close()
console.log(failed ? `${failed} failed` : 'all passed')
process.exit(failed ? 1 : 0)
