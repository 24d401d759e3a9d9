import { expect, it } from 'vitest'
import type { Upgrade } from '../../../api'
import { higher, isUnderWay, stepsOf } from './steps'

const upgrade = (more: Partial<Upgrade>) => ({ kind: 'profile', step: 'configure', target: 2, ...more }) as Upgrade

it('a move to profile 3 needs a certificate first', () => {
  expect(stepsOf(upgrade({ target: 3 }))).toEqual(['certificate', 'configure', 'restart', 'verify'])
  expect(stepsOf(upgrade({ target: 2 }))).toEqual(['configure', 'restart', 'verify'])
})

it('a password shows as a step when it is one', () => {
  expect(stepsOf(upgrade({ kind: 'password' }))).toEqual(['password', 'restart', 'verify'])
  expect(stepsOf(upgrade({ step: 'password' }))[0]).toBe('password')
})

it('knows what is over', () => {
  expect(isUnderWay(undefined)).toBe(false)
  expect(isUnderWay(upgrade({ step: 'failed' }))).toBe(false)
  expect(isUnderWay(upgrade({ step: 'verify' }))).toBe(true)
})

it('offers only higher profiles', () => {
  expect([higher(0), higher(1), higher(3)]).toEqual([[1, 2, 3], [2, 3], []])
})
