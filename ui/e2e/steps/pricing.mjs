import { api, assert, byId, until } from './check.mjs'

const STATE = (page, state) => page.locator(`[data-testid=editor-state][data-state=${state}]`)

/** Prices: tariffs and their editor, the wizard, groups, and why somebody pays what. */
export async function pricing({ base, page, step, picture }) {
  const stamp = Date.now().toString(36)
  const id = `e2e-${stamp}`

  await step('tariffs are listed, each in one sentence', async () => {
    await page.goto(`${base}/tariffs`)
    const row = page.locator('table tbody tr').filter({ hasText: 'demo-eur' })
    await row.getByText(/per kWh/).first().waitFor()
    await row.getByText(/\d+ ports/).waitFor()
    await picture('tariffs')
  })

  await step('the editor shows a fault beside its field, and what the tariff means once it is right', async () => {
    await byId(page, 'tariff-add').click()
    await byId(page, 'tariff-id').fill(id)
    const price = byId(page, 'component-price').first()
    await price.fill('-1')
    await STATE(page, 'bad').getByText('must not be negative').waitFor()
    await page.locator('section').filter({ has: price }).getByText('must not be negative').first().waitFor()
    assert.ok(await byId(page, 'tariff-save').isDisabled())
    await picture('tariff-editor-fault')
    await price.fill('0.5')
    await byId(page, 'editor-sentence').getByText(/0\.60 EUR per kWh/).waitFor()
    await byId(page, 'condition-add').click()
    await page.getByRole('menuitem', { name: 'Hours of the day' }).click()
    await page.getByLabel('From', { exact: true }).fill('07:00')
    await page.getByLabel('To', { exact: true }).fill('22:00')
    await STATE(page, 'bad').getByText('leaves a gap').waitFor()
    await byId(page, 'element-add').click()
    await byId(page, 'editor-sentence').getByText(/07:00 to 22:00, otherwise 0\.54 EUR/).waitFor()
    await picture('tariff-editor')
    await byId(page, 'tariff-save').click()
    await page.getByRole('heading', { level: 1, name: id }).waitFor()
    await byId(page, 'tariff-sentence').getByText(/07:00/).waitFor()
  })

  await step('the week shows a price for every hour, by keyboard too', async () => {
    const cells = page.locator('[data-testid=heat-map] [role=gridcell]')
    await cells.first().waitFor()
    assert.equal(await cells.count(), 7 * 24)
    await cells.first().focus()
    assert.match(await cells.first().getAttribute('aria-label'), /Monday, 00:00.*0\.54/)
    for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowRight')
    await until(async () => /Monday, 07:00.*0\.60/.test((await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))) ?? ''), 'the price of Monday at seven')
    await picture('tariff')
  })

  await step('a session that has not happened is priced, and every line explained', async () => {
    await page.goto(`${base}/tariffs/demo-eur/quote`)
    // At noon: an hour from now may pass into another price.
    await page.locator('main input[type=datetime-local]').fill('2027-03-10T12:00')
    await byId(page, 'quote-ask').click()
    await byId(page, 'price-lines').getByText(/element \d of the tariff/).first().waitFor()
    assert.match(await byId(page, 'price-lines').innerText(), /20 kWh/)
    await picture('tariff-quote')
  })

  await step('what was changed and not saved is asked about', async () => {
    await page.goto(`${base}/tariff-editor/${id}`)
    await STATE(page, 'good').waitFor()
    await byId(page, 'component-price').first().fill('0.7')
    await page.getByRole('link', { name: 'Sessions', exact: true }).click()
    await page.getByRole('dialog').getByText('Leave without saving?').waitFor()
    await byId(page, 'leave-unsaved').click({ timeout: 60_000 })
    await page.waitForURL(/\/sessions$/)
  })

  await step('the wizard suggests tariffs, and the editor takes one', async () => {
    const site = await euroSite(page)
    await page.goto(`${base}/tariff-wizard`)
    await page.getByLabel('Site', { exact: true }).first().click()
    await page.getByRole('option', { name: site.name, exact: true }).click()
    await byId(page, 'wizard-ask').click()
    await until(async () => (await byId(page, 'suggestion').count()) >= 2, 'two suggestions', 40_000)
    await picture('tariff-wizard')
    await byId(page, 'suggestion-use').first().click()
    await page.waitForURL(/\/tariff-editor/)
    await STATE(page, 'good').waitFor()
    assert.ok(await byId(page, 'tariff-save').isEnabled())
    await page.getByRole('link', { name: 'Sessions', exact: true }).click()
    await byId(page, 'leave-unsaved').click({ timeout: 60_000 })
    await page.waitForURL(/\/sessions$/)
  })

  await step('a group gives some drivers a price, and the price of a port is explained', async () => {
    const site = await euroSite(page)
    await page.goto(`${base}/tariff-groups/new`)
    await byId(page, 'group-name').fill(`E2E ${stamp}`)
    await page.getByLabel('For', { exact: true }).first().click()
    await page.getByRole('option', { name: 'Driver group', exact: true }).click()
    await page.getByLabel('Which', { exact: true }).fill(`e2e ${stamp}`)
    await byId(page, 'entry-tariff-0').click()
    await page.getByRole('option', { name: id, exact: true }).click()
    await byId(page, 'place-which').click()
    await page.getByRole('option', { name: site.name, exact: true }).click()
    await byId(page, 'place-add').click()
    await byId(page, 'group-save').click()
    await page.getByRole('heading', { level: 1, name: `E2E ${stamp}` }).waitFor()
    await picture('tariff-group')
    const { items } = await api(page, `/charging-stations?limit=1&site=${encodeURIComponent(site.id)}`)
    await page.goto(`${base}/pricing/explain`)
    await byId(page, 'explain-station').fill(items[0].id)
    await page.getByRole('option', { name: items[0].id, exact: true }).click()
    await byId(page, 'explain-ask').click()
    await byId(page, 'explain-result').getByText('demo-eur').waitFor()
    await page.getByText('Not for them', { exact: true }).first().waitFor()
    await page.getByText('Taken', { exact: true }).waitFor()
    await picture('price-explanation')
  })
}

/** A site whose prices are in euro and that has stations. */
const euroSite = async (page) => {
  const { items } = await api(page, '/tariff-assignments?tariff=demo-eur&limit=1')
  const sites = await api(page, '/sites?limit=100')
  return sites.items.find((s) => s.id === items[0].site)
}
