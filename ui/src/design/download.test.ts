import { expect, it } from 'vitest'
import { csv } from './download'

it('quotes what separates, and disarms formulas', () => {
  expect(csv([['a"b', 'c,d'], ['=1+1', "'-2"]])).toBe('\ufeff"a""b","c,d"\r\n"\'=1+1","\'\'-2"\r\n')
})
