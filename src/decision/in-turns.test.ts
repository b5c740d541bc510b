import { setImmediate as afterImmediates } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { inTurns, workInTurns } from './in-turns.js'

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

function busy(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** How often others had their turn until it was done. */
async function turnsOfOthers(work: Promise<unknown>): Promise<number> {
  let turns = 0
  let over = false
  const done = work.then(() => {
    over = true
  })
  while (!over) {
    await afterImmediates()
    turns++
  }
  await done
  return turns
}

describe('judging many in turns', () => {
  it.each([0, 1, 200])('answers %i at once where nothing has to be waited for', count => {
    expect(inTurns(numbers(count), item => item * 2)).toEqual(numbers(count).map(item => item * 2))
  })

  it('gives way to others where it takes long', async () => {
    const judged = inTurns(numbers(30), item => {
      busy(4)
      return item
    })
    if (!(judged instanceof Promise)) throw new Error('it kept everybody waiting')
    expect(await turnsOfOthers(judged)).toBeGreaterThan(4)
    expect(await judged).toEqual(numbers(30))
  })

  it('keeps the order whatever comes late', async () => {
    const judge = (item: number) => (item % 3 === 0 ? afterImmediates(item) : item)
    expect(await inTurns(numbers(1000), judge)).toEqual(numbers(1000))
  })

  it('waits for 128 before it begins more', async () => {
    let underWay = 0
    let most = 0
    const judge = async (item: number) => {
      most = Math.max(most, ++underWay)
      await afterImmediates()
      underWay--
      return item
    }
    expect(await inTurns(numbers(1000), judge)).toEqual(numbers(1000))
    expect(most).toBe(128)
  })

  it('begins nothing more when the time is up', async () => {
    let begun = 0
    const judge = (item: number) => {
      begun++
      busy(6)
      return item
    }
    expect(await inTurns(numbers(1000), judge, performance.now() + 30)).toBe('late')
    expect(begun).toBeLessThan(20)
  })

  it('has answers that came at once although the time was up', () => {
    expect(inTurns(numbers(3), item => item, 0)).toEqual([0, 1, 2])
  })

  it('does not wait for more than there is', async () => {
    const judge = async (item: number) => {
      await afterImmediates()
      return item
    }
    // The last one begun is the last there is: what is left is to wait for all.
    expect(await inTurns(numbers(128), judge, 0)).toEqual(numbers(128))
  })
})

describe('work in turns', () => {
  function* steps(count: number, ms: number) {
    for (let step = 0; step < count; step++) {
      busy(ms)
      yield
    }
    return count
  }

  it('is done at once where there is little of it', () => {
    expect(workInTurns(steps(3, 0))).toBe(3)
    expect(workInTurns(steps(0, 0), 0)).toBe(0)
  })

  it('gives way to others where there is more', async () => {
    const done = workInTurns(steps(30, 4))
    if (!(done instanceof Promise)) throw new Error('it kept everybody waiting')
    expect(await turnsOfOthers(done)).toBeGreaterThan(4)
    expect(await done).toBe(30)
  })

  it('is left when the time is up', async () => {
    expect(await workInTurns(steps(1000, 6), performance.now() + 30)).toBe('late')
  })
})
