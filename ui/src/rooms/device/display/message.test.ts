import { expect, it } from 'vitest'
import { blankDraft, draftOf } from './message'

it('writes only what is filled in', () => {
  const draft = draftOf({
    ...blankDraft('A'),
    id: 'm',
    number: 1,
    pending: 0,
    applied: 1,
    failed: 0,
    created_at: '',
    updated_at: '',
    site: '',
    contents: [
      { text: 'Hello', language: 'en', format: 'UTF8' },
      { text: ' ', language: 'fr', format: 'UTF8' },
      { text: 'Hallo', language: '', format: 'UTF8' },
    ],
  })
  expect(draft).toEqual({
    station: 'A',
    kind: 'message',
    priority: 'NormalCycle',
    contents: [
      { text: 'Hello', language: 'en', format: 'UTF8' },
      { text: 'Hallo', format: 'UTF8' },
    ],
  })
})
