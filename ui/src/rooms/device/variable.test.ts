import { expect, it } from 'vitest'
import { variable } from '../../testing/things'
import { matches, nameOf, setPayload, setResult } from './variable'

const v = variable('Connector', 'Enabled', { component_instance: 'left', evse: 1, connector: 2, attribute: 'Target', value: 'true' })

it('names a variable with its place', () => {
  expect(nameOf(v)).toBe('Connector[left]@1.2.Enabled')
  expect(nameOf(variable('C', 'V', { variable_instance: 'x' }))).toBe('C.V[x]')
})

it('finds by any words of name and value', () => {
  expect(matches(v, 'enabled CONNECTOR true')).toBe(true)
  expect(matches(v, 'enabled false')).toBe(false)
  expect(matches(v, '')).toBe(true)
})

it('writes it in the terms of OCPP 2.x', () => {
  expect(setPayload(v, 'false')).toEqual({
    setVariableData: [
      {
        component: { name: 'Connector', instance: 'left', evse: { id: 1, connectorId: 2 } },
        variable: { name: 'Enabled' },
        attributeType: 'Target',
        attributeValue: 'false',
      },
    ],
  })
  expect(setPayload(variable('C', 'V'), '1')).toEqual({
    setVariableData: [{ component: { name: 'C' }, variable: { name: 'V' }, attributeValue: '1' }],
  })
  expect(setResult({ setVariableResult: [{ attributeStatus: 'RebootRequired' }] })).toBe('RebootRequired')
  expect(setResult(undefined)).toBeUndefined()
})
