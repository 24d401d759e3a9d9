import { expect, it } from 'vitest'
import { blankTemplate, changed, writable } from './template'

it('sends back what the server takes', () => {
  const body = writable({
    ...blankTemplate(),
    id: 'x',
    changed_at: '2026-01-01T00:00:00Z',
    name: ' All of a kind ',
    vendor: '',
    priority: 0,
    variables: [
      { component: 'C', variable: 'V', evse: 0, component_instance: '', value: '' },
      { value: 'nobody named this one' },
      { key: 'HeartbeatInterval', value: '300' },
      { component: 'EVSE', variable: 'AllowReset', every: 'evse', value: 'false' },
    ],
    monitors: [{ component: 'EVSE', variable: 'Power', type: 'UpperThreshold', value: 0, severity: 0, in_transaction: false, every: 'connector' }],
  })
  expect(body).toEqual({
    name: 'All of a kind',
    enabled: true,
    priority: 0,
    variables: [
      { component: 'C', variable: 'V', value: '' },
      { key: 'HeartbeatInterval', value: '300' },
      { component: 'EVSE', variable: 'AllowReset', every: 'evse', value: 'false' },
    ],
    monitors: [{ component: 'EVSE', variable: 'Power', type: 'UpperThreshold', value: 0, severity: 0, every: 'connector' }],
  })
})

it('changes, adds and removes rows', () => {
  expect(changed(['a', 'b'], 1, 'c')).toEqual(['a', 'c'])
  expect(changed(['a'], 1, 'c')).toEqual(['a', 'c'])
  expect(changed(['a', 'b'], 0, undefined)).toEqual(['b'])
})
