import { describe, expect, it } from 'vitest'
import { CoreWait } from './core-wait.js'

function waited(...told: readonly string[]): CoreWait {
  const left = [...told]
  return new CoreWait(1, () => left.shift() ?? told.at(-1) ?? '')
}

describe('CoreWait', () => {
  it.each([
    ['all of the time', '1000 5000 1', '1000 6000 1', 1, true],
    ['half of it', '1000 5000 1', '2000 6000 1', 0.5, true],
    ['little', '1000 5000 1', '10000 6000 1', 0.1, false],
    ['nothing happened', '1000 5000 1', '1000 5000 1', 0, false],
  ])('%s', (_name, before, after, share, contended) => {
    const wait = waited(before, after)
    expect(wait.share).toBeCloseTo(share)
    expect(wait.contended).toBe(contended)
  })

  it('is no excuse where nobody counts', () => {
    const wait = new CoreWait(1, () => {
      throw new Error('ENOENT')
    })
    expect({ share: wait.share, contended: wait.contended }).toEqual({ share: 0, contended: false })
  })

  it('is what was seen last when the process is gone', () => {
    const told = ['1000 5000 1', '2000 8000 1']
    const wait = new CoreWait(1, () => {
      const line = told.shift()
      if (line === undefined) throw new Error('ENOENT')
      return line
    })
    expect([wait.share, wait.share]).toEqual([0.75, 0.75])
  })

  it('knows of this process', () => {
    const wait = new CoreWait(process.pid)
    expect(wait.share).toBeGreaterThanOrEqual(0)
    expect(wait.share).toBeLessThanOrEqual(1)
  })
})
