import { assert, byId, until } from './check.mjs'

const column = (page, n) => page.locator(`table tbody tr td:nth-child(${n})`).allInnerTexts()
const head = (page, name) => page.locator('th').filter({ hasText: name })

/** One list's grammar stands for all: search, filter, sort, columns, export. */
export async function tables({ base, page, step, picture }) {
  const open = async () => {
    await page.goto(`${base}/stations`)
    await page.locator('table tbody tr a').first().waitFor()
  }

  await step('sorting turns the rows round', async () => {
    await open()
    const before = await column(page, 1)
    await head(page, 'Station').getByRole('button').click()
    await until(async () => (await head(page, 'Station').getAttribute('aria-sort')) === 'descending', 'the order to change')
    await until(async () => (await column(page, 1))[0] !== before[0], 'other rows on top')
    assert.ok((await column(page, 1))[0].localeCompare((await column(page, 1)).at(-1), 'en', { sensitivity: 'base' }) > 0)
  })

  await step('searching narrows the rows', async () => {
    await open()
    const wanted = (await column(page, 1))[2]
    await byId(page, 'search').fill(wanted.slice(0, -1))
    await until(async () => (await column(page, 1)).every((id) => id.startsWith(wanted.slice(0, -1))), 'only rows that match')
    assert.ok((await column(page, 1)).includes(wanted))
  })

  await step('filtering by state shows that state, and the export has the same rows', async () => {
    await open()
    const states = await column(page, 2)
    const state = states.find((s) => s === 'Charging') ?? states[0]
    await byId(page, 'filter-open').click()
    await page.getByRole('checkbox', { name: state, exact: true }).check()
    await byId(page, 'filter-apply').click()
    // Rows move while we look: what is filtered must hold at some moment, for table and export together.
    await until(async () => {
      const rows = await column(page, 2)
      return rows.length > 0 && rows.every((s) => s === state)
    }, `rows that are ${state}`)
    await picture('stations-filtered')
    const href = await byId(page, 'export-csv').getAttribute('href')
    assert.match(decodeURIComponent(href), /format=csv/)
    await until(async () => {
      const csv = await (await page.request.get(base + href)).text()
      const [header, ...lines] = csv.replace(/^\ufeff/, '').trim().split(/\r?\n/)
      const at = header.split(',').indexOf('id')
      assert.ok(at >= 0, `no id column in ${header}`)
      const exported = lines.map((l) => l.split(',')[at].replaceAll('"', ''))
      await page.reload()
      await page.locator('table tbody tr a').first().waitFor()
      return JSON.stringify(exported) === JSON.stringify(await column(page, 1))
    }, 'the export to equal the table', 30_000)
  })

  await step('removing the filter brings the other rows back', async () => {
    const few = (await column(page, 1)).length
    await page.getByRole('button', { name: 'Remove this filter' }).click()
    await until(async () => (await column(page, 1)).length > few, 'more rows')
  })

  await step('a column can be hidden, and stays hidden', async () => {
    await open()
    await byId(page, 'columns-open').click()
    await page.getByRole('checkbox', { name: 'Protocol' }).uncheck()
    await until(async () => (await head(page, 'Protocol').count()) === 0, 'the column to go')
    await page.keyboard.press('Escape')
    await open()
    assert.equal(await head(page, 'Protocol').count(), 0)
    await byId(page, 'columns-open').click()
    await page.getByRole('checkbox', { name: 'Protocol' }).check()
    await head(page, 'Protocol').waitFor()
    await page.keyboard.press('Escape')
  })

  await step('what matches nothing says so', async () => {
    await open()
    await byId(page, 'search').fill('no station is called this')
    await page.getByText('Nothing matches').waitFor()
  })
}
