import { assert, byId, drawn, until } from './check.mjs'

const nav = (page) => page.locator('nav a').allInnerTexts()

/** Languages and light or dark, which last beyond a reload. */
export async function appearance({ base, page, step, picture }) {
  await step('the console speaks French and German, and remembers it', async () => {
    await page.goto(base)
    for (const [name, lang, word] of [
      ['Français', 'fr', 'Bornes'],
      ['Deutsch', 'de', 'Ladestationen'],
    ]) {
      await byId(page, 'language').click()
      await page.getByRole('menuitem', { name }).click()
      await until(async () => (await nav(page)).includes(word), `“${word}” in the menu`)
      assert.equal(await page.locator('html').getAttribute('lang'), lang)
      await page.reload()
      await until(async () => (await nav(page)).includes(word), `“${word}” after a reload`)
      await page.locator('table tbody tr').first().waitFor()
      await drawn(page)
      await picture(`overview-${lang}`)
    }
    await byId(page, 'language').click()
    await page.getByRole('menuitem', { name: 'English' }).click()
    await until(async () => (await nav(page)).includes('Stations'), 'English again')
  })

  await step('dark is dark, also after a reload', async () => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number))
    await byId(page, 'scheme').click()
    await page.getByRole('menuitem', { name: 'Dark' }).click()
    await until(async () => (await background())[0] < 60, 'a dark page')
    await page.reload()
    await drawn(page)
    assert.ok((await background())[0] < 60)
    await picture('overview-dark')
    await byId(page, 'scheme').click()
    await page.getByRole('menuitem', { name: 'Light' }).click()
    await until(async () => (await background())[0] > 200, 'a light page')
  })
}
