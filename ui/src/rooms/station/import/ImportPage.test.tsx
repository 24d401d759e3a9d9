import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { show } from '../../../testing/render'
import { serve } from '../../../testing/serve'
import { ImportPage } from './ImportPage'
import { rowNote } from './rows'

const ME = { user: { id: 'u' }, permissions: ['station.write', 'site.write'], csrf_token: 'c' }
const IMPORT = 'POST /charging-stations/import'
const counts = { rows: 2, created: 1, changed: 0, unchanged: 1, sites_created: [], notes: [] }
const file = () => new File(['id\nCP-1'], 'stations.csv', { type: 'text/csv' })

const choose = async () => userEvent.upload(await screen.findByLabelText('Choose a file', { selector: 'input' }), file())

it('checks a file first, then stores it, and shows new passwords once', async () => {
  const asked = serve({
    'GET /me': { body: ME },
    [IMPORT]: (a) =>
      a.query.get('dry_run') === 'true'
        ? { body: { result: { ...counts, dry_run: true } } }
        : { body: { result: { ...counts, dry_run: false, passwords: [{ id: 'CP-1', password: 'once-only-secret', url: 'ws://host/ocpp/CP-1' }] } } },
  })
  await show(<ImportPage />)
  await choose()
  await userEvent.click(await screen.findByRole('button', { name: 'Import 1 stations' }))
  expect(await screen.findByText('once-only-secret')).toBeTruthy()
  expect(screen.getByText(/shown this once/)).toBeTruthy()
  const calls = asked.filter((a) => a.path === '/charging-stations/import')
  expect(calls.map((a) => [a.query.get('dry_run'), a.query.get('mode'), a.query.get('create_sites')])).toEqual([
    ['true', 'upsert', 'false'],
    ['false', 'upsert', 'false'],
  ])
})

it('names the row and column of what is wrong, and stores nothing', async () => {
  const errors = [{ location: 'row 2 column serial_number', message: 'has 60 characters', value: 'X' }]
  const asked = serve({ 'GET /me': { body: ME }, [IMPORT]: { body: { problem: { code: 'sheet.rows', detail: 'nothing was imported', errors } } } })
  await show(<ImportPage />)
  await choose()
  expect(await screen.findByText('serial_number')).toBeTruthy()
  expect(screen.getByText('has 60 characters')).toBeTruthy()
  expect(screen.queryByTestId('import-apply')).toBeNull()
  await userEvent.click(screen.getByLabelText('New stations only'))
  expect(await screen.findByText('serial_number')).toBeTruthy()
  expect(asked.filter((a) => a.path === '/charging-stations/import').at(-1)?.query.get('mode')).toBe('create')
})

it('takes a place apart', () => {
  expect(rowNote({ location: 'row 12 column evse labels', message: 'm' })).toEqual({ row: 12, column: 'evse labels', message: 'm', value: undefined })
  expect(rowNote({ location: 'row 3', message: 'm', value: 7 })).toEqual({ row: 3, column: undefined, message: 'm', value: '7' })
  expect(rowNote({ location: 'query.mode', message: 'm' })).toEqual({ message: 'query.mode: m', value: undefined })
})
