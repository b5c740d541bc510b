import { describe, expect, it } from 'vitest'
import { limitRepeats } from './limit-repeats.js'

describe('limitRepeats', () => {
  it('lets a burst through, counts the rest, and tells with the next interval', () => {
    let now = 0
    const seen: [string, number][] = []
    const say = limitRepeats((kind, suppressed) => seen.push([kind, suppressed]), {
      burst: 2,
      intervalMs: 100,
      now: () => now,
    })
    for (let i = 0; i < 5; i++) say('a')
    say('b')
    expect(seen).toEqual([
      ['a', 0],
      ['a', 0],
      ['b', 0],
    ])
    now = 100
    say('a')
    expect(seen.at(-1)).toEqual(['a', 3])
  })

  it('does not grow without bound', () => {
    const seen: string[] = []
    const say = limitRepeats(kind => seen.push(kind), { burst: 1, now: () => 0 })
    for (let i = 0; i < 1000; i++) say(`kind ${i}`)
    expect(seen.length).toBe(101)
  })
})
