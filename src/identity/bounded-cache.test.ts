import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedCache } from './bounded-cache.js'

const keys = ['a', 'b', 'c', 'd']
const held = (cache: BoundedCache<string>) => keys.filter(key => cache.get(key) !== undefined)

describe('BoundedCache', () => {
  it('forgets what was not used for longest', () => {
    const cache = new BoundedCache<string>(2)
    cache.set('a', '1')
    cache.set('b', '2')
    expect(cache.get('a')).toBe('1')
    cache.set('c', '3')
    expect(held(cache)).toEqual(['a', 'c'])
  })

  it('weighs what it holds', () => {
    const cache = new BoundedCache<string>(100, 10)
    for (const key of ['a', 'b', 'c']) cache.set(key, key, 4)
    expect([held(cache), cache.weight]).toEqual([['b', 'c'], 8])
    cache.set('d', 'd', 10)
    expect([held(cache), cache.weight]).toEqual([['d'], 10])
    cache.set('a', 'a', 11)
    expect(held(cache)).toEqual(['d'])
    cache.set('d', 'x', 1)
    expect([cache.get('d'), cache.weight]).toEqual(['x', 1])
    cache.delete('d')
    cache.delete('d')
    expect([cache.size, cache.weight]).toEqual([0, 0])
  })

  it('that cannot be held any more is not there either', () => {
    const cache = new BoundedCache<string>(100, 10)
    cache.set('a', 'small', 1)
    cache.set('a', 'large', 11)
    expect(cache.get('a')).toBeUndefined()
  })

  it('always holds what a list in the order of use would hold', () => {
    const key = fc.constantFrom(...keys, 'e', 'f')
    const step = fc.oneof(
      fc.record({ do: fc.constant('get' as const), key }),
      fc.record({ do: fc.constant('delete' as const), key }),
      fc.record({ do: fc.constant('set' as const), key, weight: fc.nat(6) }),
    )
    fc.assert(
      fc.property(fc.nat(4), fc.nat(8), fc.array(step, { maxLength: 60 }), (limit, maxWeight, steps) => {
        const cache = new BoundedCache<number>(limit, maxWeight)
        let list: { readonly key: string; readonly value: number; readonly weight: number }[] = []
        const weigh = () => list.reduce((sum, one) => sum + one.weight, 0)
        for (const [value, one] of steps.entries()) {
          const held = list.find(entry => entry.key === one.key)
          list = list.filter(entry => entry !== held)
          if (one.do === 'delete') cache.delete(one.key)
          if (one.do === 'get') {
            expect(cache.get(one.key)).toBe(held?.value)
            if (held !== undefined) list.push(held)
          }
          if (one.do === 'set') {
            cache.set(one.key, value, one.weight)
            if (one.weight <= maxWeight) list.push({ key: one.key, value, weight: one.weight })
            while (list.length > limit || weigh() > maxWeight) list.shift()
          }
          expect([cache.size, cache.weight]).toEqual([list.length, weigh()])
        }
        for (const { key: last, value } of [...list]) expect(cache.get(last)).toBe(value)
      }),
    )
  })
})
