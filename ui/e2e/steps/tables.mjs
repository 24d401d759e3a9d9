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
    // While the list loads there are no rows, which proves nothing.
    await until(async () => {
      const shown = await column(page, 1)
      return shown.includes(wanted) && shown.every((id) => id.startsWith(wanted.slice(0, -1)))
    }, 'only rows that match, the wanted one among them')
  })

  await step('filtering by state shows that state, and the export only rows of it', async () => {
    await open()
    const states = await column(page, 2)
    const often = (s) => states.filter((x) => x === s).length
    const state = [...states].sort((a, b) => often(b) - often(a))[0] // the last one of a kind may be gone when we look
    await byId(page, 'filter-open').click()
    await page.getByRole('checkbox', { name: state, exact: true }).check()
    await byId(page, 'filter-apply').click()
    // Rows move while we look: what is filtered must hold at some moment.
    await until(async () => {
      const rows = await column(page, 2)
      return rows.length > 0 && rows.every((s) => s === state)
    }, `rows that are ${state}`, 60_000)
    await picture('stations-filtered')
    const code = new URL(page.url()).searchParams.get('status[in]')
    assert.ok(code, `no state in ${page.url()}`)
    await until(async () => (await exported(page, base, 'status')).every((s) => s === code) && (await exported(page, base, 'id')).length > 0, `an export of what is ${code}`)
  })

  await step('removing the filter brings the other rows back', async () => {
    const few = (await column(page, 1)).length
    await page.getByRole('button', { name: 'Remove this filter' }).click()
    await until(async () => (await column(page, 1)).length > few, 'more rows')
  })

  // Which stations there are does not change by itself, unlike what they do:
  // table and export are compared where the demo's cars cannot come between.
  await step('the export has the rows of the table, in their order', async () => {
    await open()
    await until(async () => JSON.stringify(await exported(page, base, 'id')) === JSON.stringify(await column(page, 1)), 'the export of all')
    await head(page, 'Station').getByRole('button').click()
    const part = (await column(page, 1))[2].slice(0, -1)
    await byId(page, 'search').fill(part)
    await until(async () => (await head(page, 'Station').getAttribute('aria-sort')) === 'descending' && (await column(page, 1)).every((id) => id.startsWith(part)), 'fewer rows, turned round')
    await until(async () => {
      const ids = await exported(page, base, 'id')
      return ids.length > 0 && ids.every((id) => id.startsWith(part)) && JSON.stringify(ids) === JSON.stringify(await column(page, 1))
    }, 'the export of what is searched for')
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

/** One column of the CSV that the page offers. */
async function exported(page, base, name) {
  const href = await byId(page, 'export-csv').getAttribute('href')
  assert.match(decodeURIComponent(href), /format=csv/)
  const csv = await (await page.request.get(base + href)).text()
  const [header, ...lines] = csv.replace(/^\ufeff/, '').trim().split(/\r?\n/)
  const at = header.split(',').indexOf(name)
  assert.ok(at >= 0, `no column ${name} in ${header}`)
  return lines.map((l) => l.split(',')[at].replaceAll('"', ''))
}
