import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { show } from '../../../testing/render'
import { serve } from '../../../testing/serve'
import { AddStationDialog } from './AddStationDialog'

const created = { id: 'CP-1', url: 'ws://host/ocpp/CP-1', password: 'once-only-secret', evses: [] }

it('shows address and password once the station exists', async () => {
  const asked = serve({ 'GET /sites': { body: { items: [] } }, 'POST /charging-stations': { status: 201, body: created } })
  await show(<AddStationDialog onClose={() => undefined} />)
  await userEvent.type(await screen.findByLabelText(/^Station/), 'CP-1')
  await userEvent.click(screen.getByRole('button', { name: 'Add station' }))
  expect(await screen.findByText('ws://host/ocpp/CP-1')).toBeTruthy()
  expect(screen.getByText('once-only-secret')).toBeTruthy()
  expect(screen.getByText(/shown this once/)).toBeTruthy()
  expect(asked.find((a) => a.method === 'POST')?.body).toEqual({ id: 'CP-1', security_profile: 1, active: true })
})

it('puts a refusal beside the field it is about', async () => {
  serve({
    'GET /sites': { body: { items: [] } },
    'POST /charging-stations': { status: 422, body: { detail: 'id: taken', errors: [{ location: 'body.id', message: 'is taken' }] } },
  })
  await show(<AddStationDialog onClose={() => undefined} />)
  const field = await screen.findByLabelText(/^Station/)
  await userEvent.type(field, 'CP-1')
  await userEvent.click(screen.getByRole('button', { name: 'Add station' }))
  expect(await screen.findAllByText(/is taken/)).toHaveLength(2)
  expect(field.getAttribute('aria-invalid')).toBe('true')
})
