import { expect, it } from 'vitest'
import { variablePath } from '../../../api'
import { variable } from '../../../testing/things'
import { allowedText, checkValue, inputOf, itemOf, matches, nameOf } from './variable'

const v = variable('Connector', 'Enabled', { component_instance: 'left', evse: 1, connector: 2, attribute: 'Target', value: 'true' })

it('names a variable with its place', () => {
  expect(nameOf(v)).toBe('Connector[left]@1.2.Enabled')
  expect(nameOf(variable('C', 'V', { variable_instance: 'x' }))).toBe('C.V[x]')
  expect(variablePath(v)).toBe('connector/left@1.2:enabled#target')
  expect(variablePath(variable('C', 'V', { variable_instance: 'X' }))).toBe('c:v/x')
})

it('finds by any words of name, value and meaning', () => {
  expect(matches(v, 'enabled CONNECTOR true')).toBe(true)
  expect(matches(v, 'enabled false')).toBe(false)
  expect(matches(v, '')).toBe(true)
  expect(matches(variable('C', 'V', { meaning: 'Seconds between heartbeats' }), 'heartbeats')).toBe(true)
})

it('writes it as the API takes it', () => {
  expect(itemOf(v, 'false')).toEqual({ component: 'Connector', component_instance: 'left', evse: 1, connector: 2, variable: 'Enabled', attribute: 'Target', value: 'false' })
  expect(itemOf(variable('C', 'V'), '')).toEqual({ component: 'C', variable: 'V', value: '' })
})

it('enters a value by its type', () => {
  expect(inputOf(variable('C', 'V', { data_type: 'boolean' }))).toBe('boolean')
  expect(inputOf(variable('C', 'V', { data_type: 'OptionList', values_list: 'A,B' }))).toBe('one')
  expect(inputOf(variable('C', 'V', { data_type: 'MemberList', values_list: 'A,B' }))).toBe('several')
  expect(inputOf(variable('C', 'V', { data_type: 'MemberList' }))).toBe('text')
  expect(inputOf(variable('C', 'V', { data_type: 'decimal' }))).toBe('number')
})

it('refuses what the station said it would refuse', () => {
  const number = variable('C', 'V', { data_type: 'integer', min: '10', max: '20' })
  expect(checkValue(number, '15')).toBeUndefined()
  expect(checkValue(number, '9')).toEqual({ code: 'least', limit: '10' })
  expect(checkValue(number, '21')).toEqual({ code: 'most', limit: '20' })
  expect(checkValue(number, '1.5')).toEqual({ code: 'integer' })
  expect(checkValue(variable('C', 'V', { data_type: 'decimal' }), '1,5')).toEqual({ code: 'decimal' })
  expect(checkValue(variable('C', 'V', { data_type: 'string', max: '3' }), 'four')).toEqual({ code: 'long', limit: '3' })
  expect(checkValue(variable('C', 'V', { data_type: 'MemberList', values_list: 'A,B' }), 'A,C')).toEqual({ code: 'list', limit: 'A, B' })
  expect(checkValue(variable('C', 'V', { data_type: 'MemberList', values_list: 'A,B' }), 'B,A')).toBeUndefined()
  expect(checkValue(variable('C', 'V', { data_type: 'dateTime' }), 'soon')).toEqual({ code: 'instant' })
})

it('says what is allowed', () => {
  expect(allowedText(variable('C', 'V', { min: '1', max: '2' }))).toBe('1 … 2')
  expect(allowedText(variable('C', 'V', { max: '2' }))).toBe('≤ 2')
  expect(allowedText(variable('C', 'V', { values_list: 'A,B' }))).toBe('A, B')
  expect(allowedText(variable('C', 'V'))).toBe('')
})
