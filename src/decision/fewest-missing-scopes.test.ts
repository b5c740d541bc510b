import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fewestMissingScopes } from './fewest-missing-scopes.js'

describe('fewestMissingScopes', () => {
  it.each([
    ['nothing asked', [], [], []],
    ['one Grant', [[['a', 'b']]], [], ['a', 'b']],
    ['what is held is not missing', [[['a', 'b']]], ['a'], ['b']],
    ['the Grant that lacks least, not the shortest', [[['x'], ['a', 'b', 'c']]], ['a', 'b', 'c'], []],
    ['the first by name of equals', [[['b'], ['a'], ['c']]], [], ['a']],
    [
      'two targets that share a scope',
      [
        [['a'], ['c']],
        [['b'], ['c']],
      ],
      [],
      ['c'],
    ],
    ['a question that no scope answers', [[['a']], []], [], undefined],
  ] as const)('%s', (_, questions, held, expected) => {
    expect(fewestMissingScopes(questions, held)).toEqual(expected)
  })

  const scopes = ['a', 'b', 'c', 'd', 'e']
  const some = fc.subarray(scopes)
  const questions = fc.array(fc.array(some, { maxLength: 5 }), { maxLength: 4 })
  const suffices = (asked: string[][][], held: readonly string[]) =>
    asked.every(alternatives => alternatives.some(one => one.every(scope => held.includes(scope))))
  const everySet = Array.from({ length: 2 ** scopes.length }, (_, bits) =>
    scopes.filter((_scope, at) => (bits >> at) & 1),
  )

  it('suffices, and no smaller set would', () => {
    fc.assert(
      fc.property(questions, some, (asked, held) => {
        const found = fewestMissingScopes(asked, held)
        const sufficient = everySet.filter(set => suffices(asked, [...held, ...set]))
        if (found === undefined) expect(sufficient).toEqual([])
        else {
          expect(suffices(asked, [...held, ...found])).toBe(true)
          expect(found.length).toBe(Math.min(...sufficient.map(set => set.length)))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('does not depend on any order', () => {
    const shuffled = questions.chain(asked =>
      fc
        .tuple(fc.constant(asked), fc.shuffledSubarray(asked, { minLength: asked.length }))
        .chain(([first, other]) =>
          fc.tuple(
            fc.constant(first),
            fc.tuple(...other.map(one => fc.shuffledSubarray(one, { minLength: one.length }))),
          ),
        ),
    )
    fc.assert(
      fc.property(shuffled, some, ([asked, other], held) => {
        expect(fewestMissingScopes(other, [...held].reverse())).toEqual(fewestMissingScopes(asked, held))
      }),
    )
  })

  it('stays quick and sufficient with more Grants than anybody has', () => {
    const asked = Array.from({ length: 64 }, (_, question) =>
      Array.from({ length: 200 }, (_other, grant) => [`s${question}`, `g${grant}`, `x${(question * grant) % 7}`]),
    )
    const started = performance.now()
    const found = fewestMissingScopes(asked, []) ?? []
    expect(suffices(asked, found)).toBe(true)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
