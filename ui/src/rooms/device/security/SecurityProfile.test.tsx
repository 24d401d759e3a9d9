import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import type { SecurityState, Upgrade } from '../../../api'
import { show } from '../../../testing/render'
import { serve } from '../../../testing/serve'
import { SecurityProfile } from './SecurityProfile'

const ME = { user: { id: 'u' }, permissions: ['station.read', 'station.write'], csrf_token: 'c' }
const PATH = '/charging-stations/A/security-profile'
const AT = '2026-01-01T00:00:00Z'
const state: SecurityState = { security_profile: 1, connected_profile: 1, proven_profile: 0, online: true }
const upgrade: Upgrade = { station_id: 'A', kind: 'profile', from: 1, target: 3, step: 'certificate', created_at: AT, step_since: AT, reason: 'the station was asked' }

it('moves a station to a profile that is chosen', async () => {
  const asked = serve({ 'GET /me': { body: ME }, [`GET ${PATH}`]: { body: state }, [`POST ${PATH}`]: { status: 202, body: upgrade } })
  await show(<SecurityProfile station="A" protocol="2.0.1" />)
  await userEvent.click(await screen.findByTestId('move-profile'))
  await userEvent.click(await screen.findByRole('combobox', { name: 'Wanted' }))
  await userEvent.click(await screen.findByRole('option', { name: /^3/ }))
  await userEvent.click(screen.getByTestId('move-confirm'))
  await expect.poll(() => asked.find((a) => a.method === 'POST')?.body).toEqual({ profile: 3 })
})

it('shows how far a move is, and stops it', async () => {
  const asked = serve({ 'GET /me': { body: ME }, [`GET ${PATH}`]: { body: { ...state, upgrade } }, [`DELETE ${PATH}`]: { status: 200 } })
  await show(<SecurityProfile station="A" protocol="2.0.1" />)
  expect((await screen.findByTestId('upgrade')).dataset.step).toBe('certificate')
  expect(screen.getByText('the station was asked')).toBeTruthy()
  expect(screen.queryByTestId('move-profile')).toBeNull()
  await userEvent.click(await screen.findByTestId('cancel-upgrade'))
  await expect.poll(() => asked.some((a) => a.method === 'DELETE')).toBe(true)
})

it('says why a move failed', async () => {
  serve({ 'GET /me': { body: ME }, [`GET ${PATH}`]: { body: { ...state, upgrade: { ...upgrade, step: 'failed', reason: 'it has no slot' } } } })
  await show(<SecurityProfile station="A" protocol="2.0.1" />)
  expect(await screen.findByText(/it has no slot/)).toBeTruthy()
  expect(await screen.findByTestId('move-profile')).toBeTruthy()
})
