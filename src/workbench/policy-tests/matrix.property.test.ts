import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cast, run } from './policy-tests.fixture.js'

const pairs = ['ann', 'bob'].flatMap(who =>
  ['get', 'getSystem', 'getElsewhere', 'getNowhere', 'secret', 'read', 'write'].map(what => [who, what] as const),
)
const allowed = new Set(['ann get', 'ann read'])

describe('a matrix', () => {
  it('fails exactly where what it says is not what comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(pairs.map(pair => pair.join(' '))), async claimed => {
        const rows = ['ann', 'bob'].map(who => {
          const cells = pairs.filter(pair => pair[0] === who && claimed.includes(pair.join(' ')))
          return `    ${who}: { ${cells.map(([, what]) => `${what}: allow`).join(', ')} }`
        })
        const { cases } = await run(`${cast}\n  matrix:\n${rows.join('\n')}\n`)
        const failed = cases.filter(({ status }) => status === 'failed').map(({ name }) => name)
        const wrong = pairs.map(pair => pair.join(' ')).filter(pair => allowed.has(pair) !== claimed.includes(pair))
        expect(failed.sort()).toEqual(wrong.sort())
        expect(cases).toHaveLength(pairs.length)
      }),
      { numRuns: 10 },
    )
  })
})
