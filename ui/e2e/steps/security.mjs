import { api, assert, byId, until } from './check.mjs'

// A root that nobody uses: made for this test, valid until 2046.
const ROOT = `-----BEGIN CERTIFICATE-----
MIIB1TCCAXugAwIBAgIUFgSG0M7P0L4I/7rVLd9H73EmKVwwCgYIKoZIzj0EAwIw
ODEYMBYGA1UECgwPRm9yZWNvdXJ0IHRlc3RzMRwwGgYDVQQDDBNGb3JlY291cnQg
dGVzdCByb290MB4XDTI2MTEyMTE2MjY1N1oXDTQ2MTExNjE2MjY1N1owODEYMBYG
A1UECgwPRm9yZWNvdXJ0IHRlc3RzMRwwGgYDVQQDDBNGb3JlY291cnQgdGVzdCBy
b290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFKJcfrX/hOKwJDIRt8LVXo+I
Op2WBlmt7/BNS5yl0OQBsKKgjK4jpPNimgi04ZRwTkfe1t7kZw0BgQZZLTA+3KNj
MGEwHQYDVR0OBBYEFDft+BVkh6npD9efSEAZRkfw4yEGMB8GA1UdIwQYMBaAFDft
+BVkh6npD9efSEAZRkfw4yEGMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD
AgEGMAoGCCqGSM49BAMCA0gAMEUCIQDLwvg4jSk9ncDMg5Fl8fzuZlolthZFuRon
rNcumhNIdgIgLsnhRVHJjAwOKIAW8V0S6RR1BpPEUEM3B94JiPu+49s=
-----END CERTIFICATE-----
`

/** Importing stations, the security of one, certificates, quirks and the page of the system. */
export async function security({ base, page, step, picture }) {
  const id = `IMP-${Date.now().toString(36).toUpperCase()}`

  await step('a file with a mistake is refused by row and column', async () => {
    await page.goto(`${base}/stations`)
    await byId(page, 'import-stations').click()
    await choose(page, `id,security_profile\n${id}-1,1\n${id}-2,9\n`)
    const table = page.locator('table')
    await table.getByText('security_profile').first().waitFor()
    assert.match(await table.innerText(), /3/)
    assert.equal(await byId(page, 'import-apply').count(), 0)
    await picture('import-refused')
  })

  await step('a good file is checked, stored, and its passwords are shown once', async () => {
    await choose(page, `id,name,vendor,model\n${id}-1,Pier 1,OpenEVSE,OpenEVSE\n${id}-2,Pier 2,Kempower,Satellite\n`)
    await byId(page, 'import-checked').waitFor()
    assert.deepEqual((await api(page, `/charging-stations?q=${id}`)).items, [], 'a check stores nothing')
    await byId(page, 'import-apply').click()
    await byId(page, 'import-done').waitFor()
    const saved = page.waitForEvent('download')
    await byId(page, 'import-passwords').click()
    assert.match((await saved).suggestedFilename(), /\.csv$/)
    await picture('import-done')
    assert.equal((await api(page, `/charging-stations?q=${id}`)).items.length, 2)
  })

  await step('the same stations can be exported for import', async () => {
    await page.goto(`${base}/stations?q=${id}`)
    await until(async () => (await page.locator('table tbody tr').count()) === 2, 'two rows')
    await byId(page, 'export-more').click()
    const href = await page.getByRole('menuitem', { name: 'For import, CSV' }).getAttribute('href')
    const csv = await (await page.request.get(base + href)).text()
    assert.equal(csv.trim().split('\n').length, 3)
    assert.match(csv, new RegExp(`${id}-1`))
    await page.keyboard.press('Escape')
  })

  await step('a new password goes over the air, and can be stopped', async () => {
    const tried = []
    const end = await until(async () => {
      const { items } = await api(page, '/charging-stations?online=true&status=charging&protocol=2.0.1&limit=1000')
      const busy = items.find((s) => !tried.includes(s.id))
      if (!busy) return undefined
      tried.push(busy.id)
      const end = await rotate(busy.id)
      // A station that lost its network in the middle has failed, and another one shows what we want.
      return end !== 'failed' && end
    }, 'a rotation at a station that charges', 120_000)
    assert.match(end, /cancelled|done/)
  })

  async function rotate(busy) {
    await page.goto(`${base}/stations/${encodeURIComponent(busy)}/security`)
    await byId(page, 'rotate-password').click()
    await page.getByRole('checkbox', { name: 'Restart the station' }).check()
    await byId(page, 'rotate-confirm').click()
    const state = byId(page, 'upgrade')
    await state.waitFor()
    await picture('security-rotating')
    const going = byId(page, 'cancel-upgrade')
    // It may be done before anybody can stop it: the demo's sessions end when they like.
    if ((await going.count()) > 0) await going.click().catch(() => undefined)
    return until(async () => ((await state.getAttribute('data-step').catch(() => '')) ?? '').match(/cancelled|done|failed/)?.[0], 'an end', 60_000)
  }

  await step('raising a profile says what the installation lacks for it', async () => {
    const one = await until(async () => (await api(page, '/charging-stations?online=true&protocol=1.6&limit=1')).items[0], 'a station of 1.6')
    await page.goto(`${base}/stations/${encodeURIComponent(one.id)}/security`)
    await byId(page, 'move-profile').click()
    await picture('security-move')
    await byId(page, 'move-confirm').click()
    await page.getByRole('dialog').getByRole('alert').waitFor()
    assert.match(await page.getByRole('dialog').getByRole('alert').innerText(), /security profile 2/)
    await page.keyboard.press('Escape')
  })

  await certificates({ base, page, step, picture })

  await step('a tolerance is switched on for one station', async () => {
    await page.goto(`${base}/stations/${id}-1/quirks`)
    const control = byId(page, 'switch-rate_in_watts')
    await control.getByText('On', { exact: true }).click()
    await until(async () => (await api(page, `/charging-stations/${id}-1/quirks`)).switches.find((s) => s.name === 'rate_in_watts').forced === true, 'the switch to be on')
    await page.locator('table').getByText('Q51').first().waitFor() // known of this vendor and model
    await picture('quirks')
  })

  await step('the system shows what takes how much room', async () => {
    await page.goto(`${base}/system`)
    await page.getByRole('list', { name: 'Storage' }).getByText('Messages').waitFor()
    await page.locator('table').getByText('--message-retention').first().waitFor()
    await picture('system')
  })
}

async function certificates({ base, page, step, picture }) {
  await step('a trust root is added, downloaded and withdrawn', async () => {
    await page.goto(`${base}/certificates`)
    await page.getByRole('tab', { name: 'Trust roots' }).click()
    await byId(page, 'add-root').first().click()
    await page.getByRole('combobox', { name: 'Purpose' }).click()
    await page.getByRole('option', { name: 'V2G', exact: true }).click()
    await byId(page, 'pem').fill('nonsense')
    await page.getByText('This is not one certificate in PEM.').waitFor()
    await byId(page, 'pem').fill(ROOT)
    await byId(page, 'root-save').click()
    const row = page.locator('table tbody tr').filter({ hasText: 'Forecourt test root' }).filter({ hasText: 'In force' }).first()
    await row.waitFor()
    const saved = page.waitForEvent('download')
    await row.getByRole('button', { name: 'PEM' }).click()
    assert.equal((await saved).suggestedFilename(), 'Forecourt-test-root.pem')
    await picture('trust-roots')
    await row.getByRole('button', { name: 'Withdraw' }).click()
    await byId(page, 'withdraw-confirm').click()
    await page.locator('table tbody tr').filter({ hasText: 'Forecourt test root' }).getByText('Withdrawn').first().waitFor()
  })

  await step('certificates are filtered by the time they end', async () => {
    await page.getByRole('tab', { name: 'Certificates', exact: true }).click()
    await page.goto(`${base}/certificates?status=active`)
    await page.getByRole('button', { name: 'Ends within 30 days' }).click()
    await until(() => /not_after/.test(page.url()), 'the filter in the address')
    await page.getByText('Nothing matches').waitFor()
    await page.getByRole('tab', { name: 'Requests' }).click()
    await page.getByRole('tab', { name: 'Authorities' }).click()
    await picture('authorities')
  })
}

const choose = (page, text) => page.locator('input[type=file]').setInputFiles({ name: 'stations.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
