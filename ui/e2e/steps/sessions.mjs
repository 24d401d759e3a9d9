import { api, assert, byId, until } from './check.mjs'

/** Sessions: the list, one session with its charts, and its charge record. */
export async function sessions({ base, page, step, picture }) {
  await step('sessions are listed, newest first', async () => {
    await page.goto(`${base}/sessions`)
    await page.locator('table tbody tr a').first().waitFor()
    const shown = await page.locator('table tbody tr time[datetime]').evaluateAll((all) => all.map((x) => x.getAttribute('datetime')))
    const times = shown.map((at) => Date.parse(at)) // as text, 26.48Z would come after 26.481Z
    assert.deepEqual(times, [...times].sort((a, b) => b - a))
    await picture('sessions')
  })

  await step('a session shows power over time and energy by quarter hour', async () => {
    const { items } = await until(async () => {
      const list = await api(page, '/sessions?sort=-energy_wh&limit=1')
      return list.items.length > 0 && list
    }, 'a session')
    await page.goto(`${base}/sessions/${encodeURIComponent(items[0].id)}`)
    await byId(page, 'session-energy').waitFor()
    await until(async () => (await page.locator('figure canvas').count()) >= 2, 'two charts')
    await until(() => drawn(page), 'the chart to be drawn')
    await picture('session')
    await page.getByText('Table', { exact: true }).click()
    await page.locator('table tbody tr').first().waitFor()
  })

  await step('a settled session leads to its charge record', async () => {
    const { items } = await until(async () => {
      const list = await api(page, '/cdrs?limit=1')
      return list.items.length > 0 && list
    }, 'a charge record', 90_000)
    await page.goto(`${base}/sessions/${encodeURIComponent(items[0].session_id)}`)
    await byId(page, 'cdr-link').click()
    await page.getByRole('heading', { level: 1, name: 'Charge record' }).waitFor()
    await picture('charge-record')
  })
}

/** True when the first chart has more than one colour on it. */
function drawn(page) {
  return page.locator('figure canvas').first().evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const seen = new Set()
    for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`)
    return seen.size > 5
  })
}
