import { api, assert, byId, until } from './check.mjs'

/** A command that has no outcome yet. */
const underWay = ['queued', 'sent']

/** A station's page: its parts, and commands down to the station and back. */
export async function station({ base, page, step, picture }) {
  let free
  await step('a station’s page opens from the table', async () => {
    free = await openFreePort(page, base)
  })

  await step('a session is started from the page', async () => {
    // One of the demo's drivers may plug in between the look and the click.
    for (let tries = 1; !(await started(page, free)); tries++) {
      assert.ok(tries < 6, 'six ports in a row refused the start')
      free = await openFreePort(page, base)
    }
    await byId(page, `stop-${free.evse}`).waitFor({ timeout: 60_000 })
    await picture('station-charging')
  })

  await step('and stopped', async () => {
    const ours = await sessionAt(page, free)
    await byId(page, `stop-${free.evse}`).click()
    await byId(page, 'confirm').click()
    assert.equal(await outcome(page), 'accepted')
    // Where a car of the demo's is plugged in, its driver may begin another session at once.
    await until(
      async () => {
        const now = await sessionAt(page, free)
        return now !== ours && (now || (await byId(page, `start-${free.evse}`).isVisible()))
      },
      'the end of the session',
      60_000,
    )
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

/** Opens the page of a station with a free port from the table. */
async function openFreePort(page, base) {
  const free = await freePort(page, base)
  await page.goto(`${base}/stations`)
  await byId(page, 'search').fill(free.station)
  await page.getByRole('link', { name: free.station, exact: true }).first().click()
  await page.getByRole('heading', { level: 1, name: new RegExp(escape(free.station)) }).waitFor()
  await byId(page, `evse-${free.evse}`).waitFor()
  return free
}

/** Asks for a start; false where a driver of the demo was quicker, so that another port is needed. */
async function started(page, { evse }) {
  const start = byId(page, `start-${evse}`)
  if (!(await start.isVisible()) || !(await start.isEnabled())) return false
  await start.click()
  await byId(page, 'start-token').fill(await newToken(page))
  await page.keyboard.press('Escape') // closes the suggestions, not the dialog
  await byId(page, 'start-send').click()
  return (await outcome(page)) === 'accepted'
}

/** What became of the command whose dialog is open; closes it. */
async function outcome(page) {
  const state = byId(page, 'command-state')
  const end = await until(async () => {
    const status = await state.getAttribute('data-status')
    return status && !underWay.includes(status) && status
  }, 'the command’s outcome', 60_000)
  await page.getByRole('button', { name: 'Close', exact: true }).last().click()
  return end
}

/** A station that is online with a port where a session can begin: best where a car is plugged in already. */
async function freePort(page, base) {
  if (!page.url().startsWith(base)) await page.goto(base)
  return until(async () => {
    const { items } = await api(page, '/charging-stations?online=true&limit=1000')
    const ports = items.flatMap((s) => (s.evses ?? []).filter((e) => !e.session_id).map((e) => ({ station: s.id, evse: e.id, status: e.status })))
    return ports.find((p) => p.status === 'preparing') ?? ports.find((p) => p.status === 'available')
  }, 'a free port', 60_000)
}

/** The session that a port has; none: undefined. */
async function sessionAt(page, { station, evse }) {
  const { evses } = await api(page, `/charging-stations/${encodeURIComponent(station)}`)
  return evses.find((e) => e.id === evse).session_id
}

/** A token of our own: one of the demo's drivers may be charging elsewhere, and is then refused. */
async function newToken(page) {
  const id_token = `E2E${Date.now().toString(36).toUpperCase()}`
  await api(page, '/id-tokens', { method: 'POST', body: JSON.stringify({ id_token, type: 'Central', status: 'active' }) })
  return id_token
}
