import { PHONE } from '../browser.mjs'
import { api, assert, byId, until } from './check.mjs'

const TABS = ['', '/sessions', '/messages', '/variables', '/monitoring', '/charging', '/drivers', '/display', '/service', '/security', '/quirks', '/commands']

/** Every page at desk and phone width: nothing sticks out, everything has a name, the keyboard reaches it. */
export async function pages({ base, page, context, step, picture }) {
  const { items } = await until(async () => {
    const list = await api(page, '/charging-stations?limit=1&online=true')
    return list.items.length > 0 && list
  }, 'a station that is online')
  const session = (await api(page, '/sessions?limit=1&sort=-energy_wh')).items[0]
  const station = encodeURIComponent(items[0].id)
  const paths = ['/', '/stations', ...TABS.map((t) => `/stations/${station}${t}`), '/waiting-stations', '/station-import', '/connector-maps', '/certificates', '/certificates/requests', '/certificates/roots', '/certificates/authorities', '/system', '/sessions', `/sessions/${encodeURIComponent(session.id)}`, '/sites', '/reservations', '/id-tokens', '/tariffs', '/tariffs/demo-eur', '/tariffs/demo-eur/legal', '/tariff-editor', '/tariff-wizard', '/pricing/series', '/pricing/explain', '/tariff-groups/new', '/cdrs', '/held-cdrs', '/templates', '/templates/drift', '/device-templates/new', '/firmware', '/firmware/images', '/display-messages', '/device-events', '/settings', '/settings/api-keys', '/nowhere']

  const fits = (name, options) =>
    step(`every page fits a ${name} and names its controls`, async () => {
      const c = await context({ ...options, storageState: await page.context().storageState() })
      const p = await c.newPage()
      const faults = []
      for (const path of paths) {
        await p.goto(base + path)
        await p.locator('h1').first().waitFor()
        await p.waitForTimeout(700)
        faults.push(...(await p.evaluate(inspect)).map((f) => `${path}: ${f}`))
        await picture(`${name}${path.replace(station, 'station').replace(encodeURIComponent(session.id), 'one').replaceAll('/', '-')}`, p)
      }
      await c.close()
      assert.deepEqual(faults, [])
    })
  await Promise.all([fits('desk', {}), fits('phone', { viewport: PHONE, hasTouch: true, isMobile: true })])

  await step('the keyboard skips to the content and walks the rows', async () => {
    await page.goto(`${base}/stations`)
    await page.locator('table tbody tr a').first().waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content')
    await page.keyboard.press('Enter')
    await page.locator('table tbody tr a').first().press('Enter') // focuses it in the same moment: the list is live
    await page.waitForURL(/\/stations\/.+/)
  })

  await step('signing out ends the session', async () => {
    await byId(page, 'user-menu').click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await byId(page, 'sign-in').waitFor()
    await page.goto(`${base}/sessions`)
    await byId(page, 'sign-in').waitFor()
  })
}

/** Runs in the page: what is wider than the window, and what has no name for a screen reader. */
function inspect() {
  const faults = []
  const over = document.documentElement.scrollWidth - window.innerWidth
  if (over > 0) faults.push(`${over} px wider than the window`)
  for (const x of document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea, [role=switch]')) {
    if (x.closest('[aria-hidden=true]') || x.getClientRects().length === 0) continue
    const labels = [...(x.labels ?? [])].map((l) => l.textContent).join('')
    const referred = (x.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join('')
    const name = x.getAttribute('aria-label') ?? (referred || labels || x.textContent || x.getAttribute('title') || '')
    if (name.trim() === '') faults.push(`no name: ${x.outerHTML.slice(0, 120)}`)
  }
  if (document.querySelectorAll('h1').length !== 1) faults.push(`${document.querySelectorAll('h1').length} first headings`)
  if (!document.title.includes('Forecourt')) faults.push(`title ${document.title}`)
  return faults
}
