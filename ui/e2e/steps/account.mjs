import { assert, byId } from './check.mjs'

/** The sign-in page: a refusal is explained, the right password leads to the overview. */
export async function signIn({ base, page, email, password, step, picture }) {
  await step('a wrong password is refused with a reason', async () => {
    await page.goto(base)
    await page.fill('[name=email]', email)
    await page.fill('[name=password]', 'surely not the password')
    await picture('sign-in')
    await byId(page, 'sign-in').click()
    const alert = page.getByRole('alert')
    await alert.waitFor()
    assert.ok((await alert.innerText()).length > 10)
  })

  await step('signing in opens the overview', async () => {
    await page.fill('[name=password]', password)
    await byId(page, 'sign-in').click()
    await byId(page, 'count-online').waitFor()
    assert.equal(new URL(page.url()).pathname, '/')
  })
}
