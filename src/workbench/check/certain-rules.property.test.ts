import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memorySource } from '../../../test/support/policies.js'
import { type CelJson, CostBudget } from '../../cel/environment.js'
import { policyEnvironment } from '../../policy/expression-environment.js'
import { base, guardrail, setOf, validations } from './check.fixture.js'
import { checkPolicies } from './check-policies.js'

/** Conditions about a call of `pay`, which takes account, amount and note. */
const atom = fc.oneof(
  fc
    .tuple(fc.constantFrom('<', '<=', '>', '>=', '==', '!='), fc.integer({ min: 0, max: 4 }))
    .map(([op, n]) => `args.amount ${op} ${n}`),
  fc.constantFrom('has(args.amount)', 'has(args.note)', 'has(args.amuont)', 'args.amuont == 1'),
  fc.constantFrom(
    "mcp.tool.name == 'pay'",
    "mcp.tool.access == 'read'",
    "server.name != 'bank'",
    "user.username == 'ann'",
  ),
  fc.constantFrom("args.account in ['a', 'b']", "args.account == 'c'", "args.account != 'a'"),
  fc.constantFrom('replicas.all(n, n <= 2)', 'replicas.all(m, m > 2)', 'replicas.exists(n, n > 1)'),
)
const expression = fc.oneof(
  { weight: 3, arbitrary: atom },
  fc.tuple(atom, fc.constantFrom('&&', '||'), atom).map(([a, op, b]) => `${a} ${op} ${b}`),
  atom.map(one => `!(${one})`),
  fc.tuple(fc.constantFrom('amount', 'note', 'account'), atom).map(([name, one]) => `!has(args.${name}) || ${one}`),
)

/** All calls that tell the conditions apart. */
const pay = new Map([
  ['name', 'pay'],
  ['access', 'write'],
])
const calls: readonly ReadonlyMap<string, CelJson>[] = ['a', 'b', 'c', 'd'].flatMap(account =>
  [undefined, 0n, 1n, 2n, 3n, 4n, 5n].flatMap(amount =>
    ['ann', 'bob'].flatMap(username =>
      [undefined, 'n'].flatMap(note =>
        [[], [1n], [2n, 3n], [3n]].map(replicas => {
          const args = new Map<string, CelJson>([['account', account]])
          if (amount !== undefined) args.set('amount', amount)
          if (note !== undefined) args.set('note', note)
          return new Map<string, CelJson>([
            ['args', args],
            ['mcp', new Map([['tool', pay]])],
            ['server', new Map([['name', 'bank']])],
            ['user', new Map([['username', username]])],
            ['replicas', replicas],
          ])
        }),
      ),
    ),
  ),
)

function answers(source: string): readonly (boolean | 'error')[] {
  const compiled = policyEnvironment.compile(source, 'bool')
  if (!compiled.ok) throw new Error(compiled.error.message)
  return calls.map(call => {
    const evaluated = compiled.program.evaluate(name => call.get(name), new CostBudget(100_000))
    return evaluated.ok ? evaluated.value === true : 'error'
  })
}

it('what is said of validations is so for every call', { timeout: 60_000 }, () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(expression, expression, (one, other) => {
      const rule = (name: string, source: string) =>
        guardrail(name, `match: { servers: [bank], tools: [pay] }, ${validations(source)}`)
      const text = [...base, rule('g-one', one), rule('g-other', other)].join('\n---\n')
      for (const { code, subject, message } of checkPolicies(setOf([memorySource({ 'p.yaml': text })]))) {
        seen.set(code, (seen.get(code) ?? 0) + 1)
        const source = subject === 'Guardrail/g-one' ? one : other
        const own = answers(source)
        if (code === 'never-denies') expect([...new Set(own)], source).toEqual([true])
        else if (code === 'fails-for-tools') expect([...new Set(own)], source).toEqual(['error'])
        else if (code === 'needs-has-guard')
          expect(own.filter(answer => answer === 'error').length, source).toBeGreaterThan(0)
        else if (code === 'no-value-left') {
          // Where the value is there, no call passes both.
          const path = /^wants (args\.\w+|replicas)/.exec(message)?.[1] ?? ''
          const isThere = (call: ReadonlyMap<string, CelJson>) => {
            const [variable = '', name] = path.split('.')
            const value = call.get(variable)
            return name === undefined
              ? Array.isArray(value) && value.length > 0
              : value instanceof Map && value.has(name)
          }
          const [first, second] = [answers(one), answers(other)]
          const passing = calls.filter((call, at) => isThere(call) && first[at] === true && second[at] === true)
          expect(passing, `${one} and ${other}`).toEqual([])
        }
      }
    }),
    {
      numRuns: 100,
      // So that every kind of finding is among them.
      examples: [
        ['args.amuont == 1', "mcp.tool.name == 'pay'"],
        ['!has(args.amount) || args.amount < 1', '!has(args.amount) || args.amount > 3'],
        ['args.amount == 1', 'replicas.all(n, n <= 2)'],
      ],
    },
  )
  expect([...seen.keys()].sort()).toEqual(['fails-for-tools', 'needs-has-guard', 'never-denies', 'no-value-left'])
})
