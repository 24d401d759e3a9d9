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

/** Waits until the map shows all it has: without a graphics card that takes its time. */
export const drawn = (page) => page.locator('[data-testid=map][data-drawn=true]').waitFor({ timeout: 60_000 })

/** The text of every shown element that matches. */
export const texts = (page, selector) => page.locator(selector).allInnerTexts()

export const byId = (page, id) => page.locator(`[data-testid="${id}"]`)
