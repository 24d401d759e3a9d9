import { api, assert, byId, until } from './check.mjs'

/** A station's page: its parts, and commands down to the station and back. */
export async function station({ base, page, step, picture }) {
  let free
  await step('a station’s page opens from the table', async () => {
    free = await freePort(page, base)
    await page.goto(`${base}/stations`)
    await byId(page, 'search').fill(free.station)
    await page.getByRole('link', { name: free.station, exact: true }).first().click()
    await page.getByRole('heading', { level: 1, name: new RegExp(escape(free.station)) }).waitFor()
    await byId(page, `evse-${free.evse}`).waitFor()
  })

  await step('a session is started from the page', async () => {
    const token = await newToken(page)
    await byId(page, `start-${free.evse}`).click()
    await byId(page, 'start-token').fill(token)
    await page.keyboard.press('Escape') // closes the suggestions, not the dialog
    await byId(page, 'start-send').click()
    const state = byId(page, 'command-state')
    await until(async () => (await state.getAttribute('data-status').catch(() => '')) === 'accepted', 'the start to be accepted', 40_000)
    await page.getByRole('button', { name: 'Close', exact: true }).last().click()
    await byId(page, `stop-${free.evse}`).waitFor({ timeout: 60_000 })
    await picture('station-charging')
  })

  await step('and stopped', async () => {
    await byId(page, `stop-${free.evse}`).click()
    await byId(page, 'confirm').click()
    await until(async () => (await byId(page, 'command-state').getAttribute('data-status').catch(() => '')) === 'accepted', 'the stop to be accepted', 40_000)
    await page.getByRole('button', { name: 'Close', exact: true }).last().click()
    await byId(page, `start-${free.evse}`).waitFor({ timeout: 60_000 })
  })

  await step('the message log shows frames, and their JSON when opened', async () => {
    await page.getByRole('tab', { name: 'Messages' }).click()
    const first = page.locator('ul[aria-label=Messages] > li button').first()
    await first.waitFor()
    await page.getByRole('switch', { name: 'Follow' }).uncheck({ force: true })
    await page.waitForTimeout(600)
    await first.click()
    await page.locator('ul[aria-label=Messages] pre').first().waitFor()
    await picture('messages')
    await byId(page, 'search').fill('no frame says this')
    await page.getByText('No messages').waitFor()
  })

  await step('variables can be searched', async () => {
    await page.getByRole('tab', { name: 'Variables' }).click()
    await page.locator('table tbody tr').first().waitFor()
    const before = await page.locator('table tbody tr').count()
    await page.getByRole('searchbox').fill('heartbeat')
    await until(async () => (await page.locator('table tbody tr').count()) < before, 'fewer variables')
    await picture('variables')
  })

  await step('a command shows how far it has come, and is kept', async () => {
    await page.getByRole('tab', { name: 'Commands' }).click()
    await byId(page, 'action-TriggerMessage').click()
    await byId(page, 'command-send').click()
    const state = byId(page, 'command-state')
    await until(async () => /accepted|rejected/.test((await state.getAttribute('data-status').catch(() => '')) ?? ''), 'an answer', 40_000)
    await page.locator('table').getByText('TriggerMessage').first().waitFor()
    await picture('commands')
  })

  await step('a new station gets an address and a password, shown once', async () => {
    const id = `E2E-${Date.now().toString(36).toUpperCase()}`
    await page.goto(`${base}/stations`)
    await byId(page, 'add-station').first().click()
    await page.getByRole('dialog').getByLabel(/^Station/).fill(id)
    await page.getByRole('dialog').getByRole('button', { name: 'Add station' }).click()
    const secret = page.locator('[data-copy="Password"]')
    await secret.waitFor()
    assert.ok((await secret.innerText()).length >= 16)
    assert.match(await page.locator('[data-copy^="Address"]').innerText(), new RegExp(`/ocpp/${id}$`))
    await picture('station-added')
    await page.getByRole('button', { name: 'Done' }).click()
  })

  await step('a station that does not exist is explained', async () => {
    await page.goto(`${base}/stations/no-such-station`)
    await page.getByRole('alert').waitFor()
    assert.match(await page.getByRole('alert').innerText(), /Not found/)
  })
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** A station that is online with a port where a session can begin: best where a car is plugged in already. */
async function freePort(page, base) {
  if (!page.url().startsWith(base)) await page.goto(base)
  return until(async () => {
    const { items } = await api(page, '/charging-stations?online=true&limit=1000')
    const ports = items.flatMap((s) => (s.evses ?? []).filter((e) => !e.session_id).map((e) => ({ station: s.id, evse: e.id, status: e.status })))
    return ports.find((p) => p.status === 'preparing') ?? ports.find((p) => p.status === 'available')
  }, 'a free port', 60_000)
}

/** A token of our own: one of the demo's drivers may be charging elsewhere, and is then refused. */
async function newToken(page) {
  const id_token = `E2E${Date.now().toString(36).toUpperCase()}`
  await api(page, '/id-tokens', { method: 'POST', body: JSON.stringify({ id_token, type: 'Central', status: 'active' }) })
  return id_token
}
