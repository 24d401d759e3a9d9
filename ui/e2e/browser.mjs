import { chromium } from 'playwright-core'

// Chromium's own calls home are switched off: on a closed network each one
// fails, and the tests count every request that leaves the server under test.
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
]

export const DESK = { width: 1440, height: 900 }
export const PHONE = { width: 390, height: 844 }

/** A browser and the list of what it did wrong: requests to elsewhere, and errors on its console. */
export async function open(base) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
  const wrongs = []
  const origin = new URL(base).origin

  async function context(options = {}) {
    const c = await browser.newContext({ viewport: DESK, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...options })
    c.on('request', (r) => {
      if (!/^(data|blob|about):/.test(r.url()) && new URL(r.url()).origin !== origin) wrongs.push(`external request: ${r.url()}`)
    })
    c.on('console', (m) => {
      if (m.type() === 'error' && !expected(m)) wrongs.push(`console: ${m.text()} (${m.location().url})`)
    })
    c.on('weberror', (e) => wrongs.push(`error: ${e.error().stack ?? e.error()}`))
    return c
  }
  return { browser, context, wrongs }
}

/** The browser itself logs a refused sign-in, the question who is signed in and what a step asks for in vain; none is a fault of the page. */
function expected(message) {
  if (/status of 409/.test(message.text()) && /\/security-profile$/.test(message.location().url)) return true
  // The editor asks what is wrong with a draft; the answer is what the step is about.
  if (/status of 422/.test(message.text()) && /\/tariffs\/preview(\?.*)?$/.test(message.location().url)) return true
  return /status of 40[14]/.test(message.text()) && /\/api\/v1\/(me|sign-in|charging-stations\/no-such-station)$/.test(message.location().url)
}
