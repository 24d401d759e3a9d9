import { readFile } from 'node:fs/promises'
import { answered, api, assert, byId, command, until } from './check.mjs'

/** What is done to a device: any command by its form, firmware, logs, templates. */
export async function device({ base, page, step, picture }) {
  let id
  const version = `e2e-${Date.now().toString(36)}`
  await step('a form is drawn from the schema of any action, and checked before it is sent', async () => {
    if (!page.url().startsWith(base)) await page.goto(base)
    id = await quietStation(page)
    await page.goto(`${base}/stations/${encodeURIComponent(id)}/commands`)
    await byId(page, 'action-search').fill('DataTransfer')
    await byId(page, 'any-DataTransfer').click()
    await page.getByRole('textbox', { name: 'vendorId' }).fill('x'.repeat(300))
    await byId(page, 'console-send').click()
    await page.getByText('The schema does not allow this').waitFor()
    await page.getByRole('textbox', { name: 'vendorId' }).fill('org.example.e2e')
    await answered(page, byId(page, 'console-send'))
    await picture('command-form')
  })

  await step('a raw message is held to the schema of the station’s version', async () => {
    await byId(page, 'action-search').fill('Reset')
    await byId(page, 'raw-Reset').click()
    await page.getByText('JSON', { exact: true }).click()
    await byId(page, 'console-json').fill('{"type":"Never"}')
    await page.getByText('The schema does not allow this').waitFor()
    await byId(page, 'console-send').click()
    assert.equal(await byId(page, 'console-send').isDisabled(), true)
    await picture('command-raw')
  })

  await step('a firmware image is uploaded and brought to a station', async () => {
    await page.goto(`${base}/firmware/images`)
    await byId(page, 'image-add').first().click()
    await byId(page, 'image-version').fill(version)
    await page.locator('input[type=file]').setInputFiles({ name: 'fw.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(4096, 7) })
    await byId(page, 'image-save').click()
    await page.getByText(version).first().waitFor()
    await picture('firmware-images')
    await update(page, base, id, version)
    await page.locator('table').getByText('Failed', { exact: true }).or(page.locator('table').getByText('Up to date', { exact: true })).first().waitFor({ timeout: 120_000 })
    await page.getByRole('button', { name: 'Steps' }).first().click()
    await page.getByRole('dialog').getByText('Station said').waitFor()
    await picture('firmware-update')
  })

  await step('an update that is yet to come is paused, resumed and cancelled', async () => {
    await update(page, base, id, version, async () => {
      await page.getByRole('button', { name: 'More settings' }).click()
      await page.getByLabel('Not before').fill('2099-01-01T03:00')
    })
    await byId(page, 'update-pause').click()
    await byId(page, 'update-resume').click()
    await byId(page, 'update-pause').waitFor() // it goes on: while a change is under way the buttons take no click
    await byId(page, 'update-cancel').click()
    await page.getByText('Cancelled', { exact: true }).first().waitFor()
  })

  await step('a log comes from the station and can be downloaded', async () => {
    await page.goto(`${base}/stations/${encodeURIComponent(id)}/service`)
    await byId(page, 'log-ask').click()
    await byId(page, 'log-send').click()
    const link = byId(page, 'log-download').first()
    await link.waitFor({ timeout: 60_000 })
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
    assert.ok((await readFile(await download.path())).length > 0, 'the log is empty')
    await picture('logs')
  })

  await step('a template is made from a station, tried out and saved', async () => {
    await page.goto(`${base}/device-templates/new?station=${encodeURIComponent(id)}`)
    const name = page.getByRole('textbox', { name: /^Name/ })
    await name.fill(`E2E ${Date.now().toString(36)}`)
    const wanted = await name.inputValue()
    await byId(page, 'template-preview').click()
    await byId(page, 'template-dry-run').waitFor({ timeout: 30_000 })
    await byId(page, 'template-save').click()
    await byId(page, 'template-apply').waitFor({ timeout: 30_000 })
    await byId(page, 'template-apply').click()
    await picture('template')
    await page.goto(`${base}/templates`)
    await page.getByRole('link', { name: wanted }).click()
    await page.getByRole('button', { name: 'Delete this template' }).click()
    await byId(page, 'confirm-yes').click()
    await page.waitForURL(/\/templates$/)
  })

  await command(page, id, 'ChangeAvailability', { operationalStatus: 'Operative' })
}

/** Begins an update of one station from its page and waits for the update's own page. */
async function update(page, base, station, version, settings = async () => {}) {
  await page.goto(`${base}/stations/${encodeURIComponent(station)}/service`)
  await byId(page, 'update-add').click()
  await byId(page, 'update-image').click()
  await page.getByRole('option', { name: new RegExp(version) }).click()
  await settings()
  await byId(page, 'update-save').click()
  await page.getByRole('heading', { level: 1, name: new RegExp(version) }).waitFor()
  await page.locator('table').getByRole('link', { name: station, exact: true }).waitFor()
}

/**
 * A station of OCPP 2.x that is online and where nobody charges or will: it is
 * taken out of service first, since the demo's cars do not wait for us and an
 * update rightly waits for them.
 */
const quietStation = (page) =>
  until(async () => {
    const idle = (s) => s.online && (s.evses ?? []).every((e) => !e.session_id && e.status !== 'preparing')
    const { items } = await api(page, '/charging-stations?online=true&limit=1000')
    const id = items.find((s) => s.protocol !== '1.6' && idle(s))?.id
    if (!id) return undefined
    await command(page, id, 'ChangeAvailability', { operationalStatus: 'Inoperative' })
    if (idle(await api(page, `/charging-stations/${encodeURIComponent(id)}`))) return id
    await command(page, id, 'ChangeAvailability', { operationalStatus: 'Operative' }) // somebody was faster
  }, 'an idle station of OCPP 2.x', 120_000)
