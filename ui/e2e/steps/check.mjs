import assert from 'node:assert/strict'

export { assert }

/** Waits until fn gives something true, and returns it. */
export async function until(fn, what, ms = 20_000) {
  const end = Date.now() + ms
  for (;;) {
    const got = await fn()
    if (got) return got
    if (Date.now() > end) throw new Error(`waited ${ms / 1000} s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}

/** Asks the API with the page's own session. */
export async function api(page, path, init) {
  return page.evaluate(
    async ([p, i]) => {
      const me = await (await fetch('/api/v1/me')).json()
      const r = await fetch('/api/v1' + p, { ...i, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf_token } })
      if (!r.ok) throw new Error(`${p}: ${r.status} ${await r.text()}`)
      return r.json()
    },
    [path, init],
  )
}

/** Gives a command of the API and waits for how it ended; a station that is away for a moment is asked again. */
export const command = (page, station, action, payload) =>
  until(async () => {
    const path = `/charging-stations/${encodeURIComponent(station)}/commands`
    let c = await api(page, path, { method: 'POST', body: JSON.stringify({ action, payload }) })
    await until(async () => !/queued|sent/.test((c = await api(page, `/commands/${c.id}`)).status), `an end of ${action}`, 60_000)
    return /accepted|rejected/.test(c.status) && c
  }, `an answer to ${action}`, 120_000)

/** Presses send until the station has answered and the page says so: the demo's stations lose their network for a moment now and then. */
export const answered = (page, send) =>
  until(async () => {
    const asked = page.waitForResponse((r) => r.request().method() === 'POST' && /\/commands$/.test(r.url()), { timeout: 60_000 })
    await send.click()
    let c = await (await asked).json()
    await until(async () => !/queued|sent/.test((c = await api(page, `/commands/${c.id}`)).status), 'an end of the command', 60_000)
    await until(async () => (await byId(page, 'command-state').getAttribute('data-status').catch(() => '')) === c.status, `the page to say ${c.status}`)
    return /accepted|rejected/.test(c.status) && c.status
  }, 'an answer to the command', 120_000)

/** Waits until the map shows all it has: without a graphics card that takes its time. */
export const drawn = (page) => page.locator('[data-testid=map][data-drawn=true]').waitFor({ timeout: 60_000 })

/** The text of every shown element that matches. */
export const texts = (page, selector) => page.locator(selector).allInnerTexts()

export const byId = (page, id) => page.locator(`[data-testid="${id}"]`)
