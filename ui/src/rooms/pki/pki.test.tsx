import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import type { Certificate, CertificateRequest } from '../../api'
import { show } from '../../testing/render'
import { serve } from '../../testing/serve'
import { CertificateTable } from './CertificateTable'
import { certificatesIn, pemName } from './pem'
import { RequestTable } from './RequestTable'
import { ending } from './status'

const ME = { user: { id: 'u' }, permissions: ['certificate.read', 'certificate.write'], csrf_token: 'c' }
const AT = '2026-01-01T00:00:00Z'

const certificate = {
  id: 'c1', station: 'A', organisation: 'o', status: 'active', subject: 'CN=A,O=Forecourt', issuer: 'CN=I', serial_number: '01', fingerprint_sha256: 'ab'.repeat(32),
  key_type: 'ecdsa', authority: 'i', chain: '', not_before: AT, not_after: '2036-01-01T00:00:00Z', created_at: AT,
} satisfies Certificate

const request = {
  id: 'r1', station: 'A', organisation: 'o', status: 'waiting', subject: 'CN=A', csr: '', received_at: AT, updated_at: AT, repeats: 0,
} satisfies CertificateRequest

it('revokes a certificate with a reason', async () => {
  const asked = serve({ 'GET /me': { body: ME }, 'GET /certificates': { body: { items: [certificate] } }, 'POST /certificates/c1/revoke': { body: certificate } })
  await show(<CertificateTable station="A" />)
  await userEvent.click(await screen.findByRole('button', { name: /Actions for/ }))
  await userEvent.click(await screen.findByRole('menuitem', { name: 'Revoke' }))
  await userEvent.click(await screen.findByRole('combobox', { name: 'Reason' }))
  await userEvent.click(await screen.findByRole('option', { name: 'Key known to others' }))
  await userEvent.click(screen.getByTestId('revoke-confirm'))
  await expect.poll(() => asked.find((a) => a.method === 'POST')?.body).toEqual({ reason: 'key_compromise' })
  expect(asked.find((a) => a.path === '/certificates')?.query.get('station')).toBe('A')
})

it('approves what waits', async () => {
  const asked = serve({ 'GET /me': { body: ME }, 'GET /certificate-requests': { body: { items: [request, { ...request, id: 'r2', status: 'done' }] } }, 'POST /certificate-requests/r1/approve': { body: request } })
  await show(<RequestTable />)
  const buttons = await screen.findAllByRole('button', { name: 'Approve' })
  expect(buttons).toHaveLength(1)
  await userEvent.click(buttons[0] as HTMLElement)
  await expect.poll(() => asked.some((a) => a.path === '/certificate-requests/r1/approve')).toBe(true)
})

it('tells how near the end is', () => {
  const now = Date.parse(AT)
  expect(['2025-12-31T00:00:00Z', '2026-01-20T00:00:00Z', '2026-03-01T00:00:00Z'].map((at) => ending(at, now))).toEqual(['past', 'soon', 'later'])
})

it('names files and counts certificates', () => {
  expect(pemName('CN=Forecourt Root CA 2026,O=A/B')).toBe('Forecourt-Root-CA-2026.pem')
  expect(pemName('///')).toBe('certificate.pem')
  expect(certificatesIn('-----BEGIN CERTIFICATE-----x-----BEGIN CERTIFICATE-----')).toBe(2)
})
