import { expect, it } from 'vitest'
import { clockTone } from './clock'
import { describe as words, layoutOf, missingEvse, placesOf } from './places'
import { choiceOf, switchBody } from './switch'

it('takes a map apart and puts it together again', () => {
  const places = [
    { connector_number: 3, evse_id: 2, connector_id: 1 },
    { connector_number: 1, evse_id: 1, connector_id: 1 },
    { connector_number: 2, evse_id: 1, connector_id: 2 },
  ]
  expect(layoutOf(places, 9)).toEqual([1, 1, 2])
  expect(placesOf([1, 1, 2])).toEqual([...places].sort((a, b) => a.connector_number - b.connector_number))
  expect(words(places)).toBe('1: 1 + 2, 2: 3')
})

it('a station without a map has a port for each connector', () => {
  expect(layoutOf([], 3)).toEqual([1, 2, 3])
  expect(layoutOf([], 0)).toEqual([1])
})

it('sees a hole in the numbers', () => {
  expect(missingEvse([1, 3])).toBe(2)
  expect(missingEvse([2, 1])).toBeUndefined()
})

it('says nothing of a clock that is as good as right', () => {
  expect([0, -8, 30, -3600].map(clockTone)).toEqual(['good', 'good', 'wait', 'bad'])
})

it('leaves a switch to the table with null', () => {
  expect([undefined, true, false].map((f) => switchBody(choiceOf(f)))).toEqual([{ on: null }, { on: true }, { on: false }])
})
