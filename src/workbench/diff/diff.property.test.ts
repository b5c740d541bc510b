import { describe, expect, it } from 'vitest'
import { demoText, setOf, workshopText } from './diff.fixture.js'
import { diffPolicies } from './diff-policies.js'
import { type Mutation, mutationsOf, rewritesOf } from './mutations.fixture.js'
import { createRandom, shuffled } from './random.js'

const text = `${demoText}\n---\n${workshopText}`
const old = setOf(text)
const most = 62

/** Some of every kind in turn, so that kinds of which there are few are all there. */
function corpus(): readonly Mutation[] {
  const kinds = new Map<string, Mutation[]>()
  for (const one of shuffled(createRandom(7), mutationsOf(text)))
    kinds.set(one.kind, [...(kinds.get(one.kind) ?? []), one])
  const picked: Mutation[] = []
  for (let some = true; some && picked.length < most; ) {
    some = false
    for (const mutations of kinds.values()) {
      const one = mutations.pop()
      if (one === undefined || picked.length >= most) continue
      some = true
      picked.push(one)
    }
  }
  return picked
}

describe('the search', () => {
  it('finds what a mutation changes: of every kind, and 95 of 100 altogether', async () => {
    const mutations = corpus()
    const found = new Set<string>()
    const missed: string[] = []
    for (const [seed, { kind, what, text: mutated }] of mutations.entries()) {
      const { groups } = await diffPolicies({ old, candidate: setOf(mutated), calls: 2000, first: true, seed })
      if (groups.length > 0) found.add(kind)
      else missed.push(`${kind}: ${what}`)
    }
    expect(mutations.length).toBeGreaterThanOrEqual(60)
    expect([...found].sort()).toEqual([...new Set(mutations.map(({ kind }) => kind))].sort())
    expect(missed.length / mutations.length, missed.join('\n')).toBeLessThanOrEqual(0.05)
  }, 120_000)

  it.each(rewritesOf(text).map(({ what, text: rewritten }) => [what, rewritten] as const))(
    'finds nothing in other words for the same: %s',
    async (_, rewritten) => {
      expect(rewritten).not.toBe(text)
      const { groups } = await diffPolicies({ old, candidate: setOf(rewritten), calls: 1000 })
      expect(groups).toEqual([])
    },
  )
})
