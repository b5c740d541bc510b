import { expect, it } from 'vitest'
import { ReplayTally } from './replay-tally.js'

const group = { result: 'weakened', server: 's', what: 'pay', who: 'alice', before: 'deny', after: 'allow' } as const

it('counts equal results together, with the first of them as examples', () => {
  const tally = new ReplayTally()
  for (let index = 0; index < 5; index++) tally.add(group, `id-${index}`)
  tally.add({ ...group, who: 'bob' }, 'id-b')
  expect(tally.largest('weakened', 1)).toEqual([{ ...group, count: 5, examples: ['id-0', 'id-1', 'id-2'] }])
  expect(tally.totals.weakened).toBe(6)
})

it('keeps no more groups than it may, and counts what comes after', () => {
  const tally = new ReplayTally()
  for (let index = 0; index < 10_100; index++) tally.add({ ...group, who: `user-${index}` }, 'id')
  tally.add({ ...group, who: 'user-0' }, 'id')
  expect(tally.others.weakened).toBe(100)
  expect(tally.totals.weakened).toBe(10_101)
  expect(tally.largest('weakened', 1)).toMatchObject([{ who: 'user-0', count: 2 }])
})
