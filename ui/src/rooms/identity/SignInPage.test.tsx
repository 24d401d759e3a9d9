import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { show } from '../../testing/render'
import { serve } from '../../testing/serve'
import { SignInPage } from './SignInPage'

it('says why a sign-in was refused', async () => {
  const asked = serve({ 'POST /sign-in': { status: 401, body: { title: 'Unauthorized', detail: 'E-mail or password is wrong.' } } })
  await show(<SignInPage preferences={null} />)
  await userEvent.type(screen.getByLabelText('E-mail'), ' ada@example.org ')
  await userEvent.type(screen.getByLabelText('Password'), 'wrong')
  await userEvent.click(screen.getByRole('button', { name: 'Sign in' }))
  expect((await screen.findByRole('alert')).textContent).toContain('E-mail or password is wrong.')
  expect(asked[0]?.body).toEqual({ email: 'ada@example.org', password: 'wrong' })
})

it('says so when there is no server', async () => {
  serve({})
  globalThis.fetch = () => Promise.reject(new TypeError('Failed to fetch'))
  await show(<SignInPage preferences={null} />)
  await userEvent.type(screen.getByLabelText('E-mail'), 'ada@example.org')
  await userEvent.type(screen.getByLabelText('Password'), 'x')
  await userEvent.click(screen.getByRole('button', { name: 'Sign in' }))
  expect((await screen.findByRole('alert')).textContent).toContain('The server cannot be reached')
})
