import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import type { Access } from '../rbac/authorizer.js'
import {
  allowed,
  answering,
  FakeAuthorizer,
  guardrail,
  refused,
  setUpAsking,
  unreachable,
} from './authorizer-variable.fixture.js'
import type { Decision } from './decision.js'

const name = fc.constantFrom('a', 'b', 'c', 'd')

/** Whether a check is allowed, or what hangs on its answer. */
const check = fc.oneof(
  { weight: 5, arbitrary: name.map(path => `authorizer.path('/${path}').check('get').allowed()`) },
  {
    weight: 2,
    arbitrary: name.map(sa => `authorizer.serviceAccount('ns', '${sa}').path('/x').check('get').allowed()`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(name, name)
      .map(
        ([a, b]) =>
          `authorizer.path('/${a}/' + string(authorizer.path('/${b}').check('get').allowed())).check('get').allowed()`,
      ),
  },
  { weight: 1, arbitrary: name.map(path => `authorizer.path('/${path}').check('get').errored()`) },
  { weight: 1, arbitrary: name.map(path => `authorizer.path('/${path}').check('get').reason() == 'no'`) },
)

const leaf = fc.oneof(
  { weight: 5, arbitrary: check },
  { weight: 2, arbitrary: fc.constantFrom('true', 'false', '1 / args.zero == 1', 'args.flag') },
)

const { expression } = fc.letrec<{ expression: string }>(tie => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('expression').map(x => `!(${x})`),
    fc.tuple(tie('expression'), tie('expression')).map(([x, y]) => `(${x} && ${y})`),
    fc.tuple(tie('expression'), tie('expression')).map(([x, y]) => `(${x} || ${y})`),
    fc.tuple(tie('expression'), leaf, leaf).map(([x, y, z]) => `(${x} ? ${y} : ${z})`),
    name.map(verb => `args.list.exists(i, authorizer.path('/' + i).check('${verb}').allowed())`),
  ),
}))

const variables = fc.array(expression, { maxLength: 3 })
const withVariables = (rules: readonly string[], count: number): readonly string[] =>
  count === 0 ? rules : rules.map((rule, i) => (i % 2 === 0 ? `variables.v${i % count} || ${rule}` : rule))

const policy = fc
  .record({
    rules: fc.array(expression, { minLength: 1, maxLength: 3 }),
    variables,
    conditions: fc.array(expression, { maxLength: 2 }),
    mode: fc.constantFrom('Enforce', 'Enforce', 'Audit', 'Warn'),
  })
  .map(one => (index: number) => ({
    document: guardrail(`g${index}`, withVariables(one.rules, one.variables.length), {
      mode: one.mode,
      ...(one.variables.length > 0 && {
        variables: one.variables.map((source, i) => ({ name: `v${i}`, expression: source })),
      }),
      ...(one.conditions.length > 0 && {
        matchConditions: one.conditions.map((source, i) => ({ name: `c${i}`, expression: source })),
      }),
    }),
  }))

const grants = fc.array(expression, { minLength: 1, maxLength: 3 }).map(conditions =>
  conditions.map((condition, i) =>
    policyDocument('Grant', `grant-${i}`, {
      match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
      matchConditions: [{ name: 'c', expression: condition }],
    }),
  ),
)

/** Of every question the same, without a list of them. */
function answersOf(seed: number, failures: number): (line: string) => Access {
  return line => {
    let hash = seed
    for (const character of line) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0
    if (hash % 100 < failures) return unreachable
    return hash % 2 === 0 ? allowed : { ...refused, reason: 'no' }
  }
}

/** What must not depend on when answers come. */
const outcomeOf = ({ outcome, failure, would, warnings }: Decision) => ({ outcome, failure, would, warnings })

const call = toolsCall('read', { zero: 0, flag: true, list: ['a', 'b'] })

describe('a decision', () => {
  it('is the same whether the answers of the authorizer are there or come later, in any order', async () => {
    const order = fc.infiniteStream(fc.nat(1000))
    const documents = fc
      .tuple(fc.array(policy, { minLength: 1, maxLength: 3 }), fc.option(grants))
      .map(([policies, some]) => ({
        documents: [...policies.map((of, i) => of(i).document), ...(some ?? [])],
        grant: some === null,
      }))
    let waited = 0
    let failed = 0
    await fc.assert(
      fc.asyncProperty(documents, fc.nat(), fc.constantFrom(0, 0, 20), order, async (set, seed, failures, stream) => {
        const answer = answersOf(seed, failures)
        const warm = setUpAsking({ ...set, authorizers: { local: new FakeAuthorizer(answer) } }).decide(call)
        if (warm instanceof Promise) throw new Error('known answers were waited for')
        const authorizer = new FakeAuthorizer(answer, false)
        const pending = setUpAsking({ ...set, authorizers: { local: authorizer } }).decide(call)
        if (pending instanceof Promise) waited++
        const cold = await answering(pending, authorizer, waiting => (stream.next().value ?? 0) % waiting)
        if (cold.failure?.stage === 'dependency') failed++
        expect(outcomeOf(cold)).toEqual(outcomeOf(warm))
        expect(new Set(authorizer.asked).size).toBe(authorizer.asked.length)
      }),
      { numRuns: 200 },
    )
    expect(waited).toBeGreaterThan(50)
    expect(failed).toBeGreaterThan(3)
  })
})
