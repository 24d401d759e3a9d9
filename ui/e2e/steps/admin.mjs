import { assert, byId, until } from './check.mjs'

/** What an administrator sets up: sites, tokens, users and keys. */
export async function people({ base, page, step, picture }) {
  const stamp = Date.now().toString(36).toUpperCase()

  await step('a site is created', async () => {
    await page.goto(`${base}/sites`)
    await page.getByRole('button', { name: 'Add site' }).first().click()
    await page.getByLabel(/^Name/).fill(`Depot ${stamp}`)
    await page.getByLabel('City').fill('Metz')
    await page.getByLabel(/^Country/).fill('FR')
    await page.getByLabel('Latitude').fill('49.1193')
    await page.getByLabel('Longitude').fill('6.1757')
    await picture('site-form')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: `Depot ${stamp}` }).waitFor()
  })

  await step('an id token is created', async () => {
    await page.goto(`${base}/id-tokens`)
    await page.getByRole('button', { name: 'Add id token' }).first().click()
    await page.getByRole('dialog').getByLabel(/^Id token/).fill(`E2E${stamp}`)
    await page.getByRole('dialog').getByRole('button', { name: 'Add id token' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await byId(page, 'search').fill(`E2E${stamp}`)
    await until(async () => (await page.locator('table tbody tr').count()) === 1, 'the new token')
  })

  await step('an API key is shown once and can be revoked', async () => {
    await page.goto(`${base}/settings/api-keys`)
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByLabel(/^Name/).fill(`e2e ${stamp}`)
    await page.getByLabel(/^Role/).first().click()
    await page.getByRole('option', { name: 'Viewer' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
    assert.match(await page.locator('[data-copy]').innerText(), /^fk_/)
    await page.getByRole('button', { name: 'Done' }).click()
    const row = page.locator('tr').filter({ hasText: `e2e ${stamp}` })
    await row.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await row.waitFor({ state: 'detached' })
  })
}
