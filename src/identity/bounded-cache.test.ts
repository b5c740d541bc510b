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
})
