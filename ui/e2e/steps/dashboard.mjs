import { assert, byId, drawn, texts, until } from './check.mjs'

const number = (text) => Number(text.replace(/[^\d.]/g, ''))

/** The overview: counters, map and table, moving by themselves. */
export async function dashboard({ page, step, picture }) {
  await step('the overview shows stations, counters and a map', async () => {
    await page.locator('table tbody tr').first().waitFor()
    const online = await until(async () => number((await byId(page, 'count-online').innerText()).split('\n')[1] ?? ''), 'a station online')
    assert.ok(online > 0)
    await drawn(page)
    await page.locator('[data-testid=map] canvas').waitFor()
  })

  await step('the overview is live: figures change without a reload', async () => {
    await page.locator('[data-testid=live][data-state=live]').waitFor()
    const all = async () => [await byId(page, 'power-now').innerText(), await byId(page, 'energy-today').innerText(), ...(await texts(page, 'table tbody'))].join('|')
    const before = await all()
    await until(async () => (await all()) !== before, 'a figure to change', 40_000)
    await picture('overview')
  })

  await step('a counter leads to the stations it counts', async () => {
    await byId(page, 'count-charging').click()
    await page.waitForURL(/\/stations\?/)
    await page.locator('table tbody tr, [data-testid=search]').first().waitFor()
    assert.match(decodeURIComponent(page.url()), /status\[in\]=charging/)
    await page.goBack()
    await byId(page, 'count-online').waitFor()
  })
}
