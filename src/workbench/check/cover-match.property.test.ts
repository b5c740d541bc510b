import fc from 'fast-check'
import { expect, it } from 'vitest'
import { person, through } from '../../../test/support/policies.js'
import { callOf } from '../../decision/hypothetical-call.js'
import { compileMatch, type MatchSpec } from '../../policy/match.js'
import type { CatalogTool, ToolAccess } from '../../rbac/tool-catalog.js'
import { assumedPrincipal } from '../assumed-principal.js'
import { coversCallers, coversCalls } from './cover-match.js'

const patterns = ['a', 'ab', 'abc', 'b', 'a*', '*b', 'a*c', '*', 'ab*', '*b*']
const words = ['a', 'ab', 'abc', 'b', 'acc', 'bb', 'axc']
const accesses = ['read', 'write', 'delete'] as const satisfies readonly ToolAccess[]
const option = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 1 })
const some = (of: readonly string[]) => fc.uniqueArray(fc.constantFrom(...of), { minLength: 1, maxLength: 3 })

const subject = fc.oneof(
  fc.record({
    kind: fc.constantFrom('User' as const, 'Group' as const),
    name: fc.constantFrom(...patterns, 's*', 'system:authenticated', 'system:anonymous', 'system:serviceaccount:a:*'),
  }),
  fc.record({
    kind: fc.constant('ServiceAccount' as const),
    namespace: fc.constantFrom('a', 'b', '*'),
    name: fc.constantFrom(...patterns),
  }),
)
const agent = fc.record({ kind: fc.constant('Agent' as const), name: fc.constantFrom('*', 'demo:a', 'demo:*', '*:ab') })
const match = fc.record({
  servers: option(some(patterns)),
  methods: option(some(['tools/call', 'tools/*', 'prompts/get', '*'])),
  tools: option(some(patterns)),
  access: option(fc.uniqueArray(fc.constantFrom(...accesses), { minLength: 1 })),
  labels: option(
    fc.dictionary(fc.constantFrom('k', 'l'), fc.oneof(fc.constantFrom(...patterns), some(patterns)), { maxKeys: 2 }),
  ),
  subjects: option(fc.array(subject, { minLength: 1, maxLength: 2 })),
  agents: option(fc.array(agent, { minLength: 1, maxLength: 2 })),
})
/** One match, and one that differs from it in a field or two: unrelated ones rarely cover each other. */
const pair = fc
  .tuple(
    match,
    match,
    fc.subarray(['servers', 'methods', 'tools', 'access', 'labels', 'subjects', 'agents'] as const, { maxLength: 3 }),
  )
  .map(([one, other, fields]): readonly [MatchSpec, MatchSpec] => [
    one,
    { ...one, ...Object.fromEntries(fields.map(field => [field, other[field]])) },
  ])

function tool(name: string, access: ToolAccess, labels: ReadonlyMap<string, string>): CatalogTool {
  return {
    ...{ name, access, labels, arguments: undefined, knownArguments: new Set(), inputSchema: undefined },
    ...{ refuse: undefined, noOperations: true },
    resolve: () => ({ ok: false, reason: 'authorization.argument', message: '', hint: undefined }),
    possible: () => [],
    explore: () => {
      throw new Error('not asked')
    },
  }
}

const called = fc
  .record({
    server: fc.constantFrom(...words),
    name: fc.constantFrom(...words),
    access: fc.constantFrom(...accesses),
    labels: fc.dictionary(fc.constantFrom('k', 'l'), fc.constantFrom(...words), { maxKeys: 2 }),
    kind: fc.constantFrom('tool' as const, 'prompt' as const),
  })
  .map(({ server, name, access, labels, kind }) => ({
    server,
    call: callOf(kind, name),
    tool: kind === 'tool' ? name : undefined,
    catalogTool: kind === 'tool' ? tool(name, access, new Map(Object.entries(labels))) : undefined,
  }))

const caller = fc
  .record({
    user: fc.constantFrom(...words, 'system:serviceaccount:a:ab', 'system:serviceaccount:b:a'),
    groups: fc.subarray(words, { maxLength: 2 }),
    agent: fc.constantFrom('', 'a', 'ab', 'c'),
    attested: fc.boolean(),
    known: fc.boolean(),
  })
  .map(({ user, groups, agent: id, attested, known }) => {
    if (!known) return assumedPrincipal({ user: 'system:anonymous', kind: 'anonymous' })
    const one = person(user, groups)
    return id === '' ? one : through(one, id, attested ? 'attested' : 'claimed')
  })

it('what covers another match is about every call and caller of it', () => {
  let covering = 0
  fc.assert(
    fc.property(
      pair,
      fc.array(called, { minLength: 20, maxLength: 20 }),
      fc.array(caller, { minLength: 10, maxLength: 10 }),
      ([a, b], calls, callers) => {
        for (const [wider, narrower] of [
          [a, b],
          [b, a],
        ] as const) {
          const [w, n] = [compileMatch(wider), compileMatch(narrower)]
          if (coversCalls(wider, narrower)) {
            covering++
            for (const one of calls) if (n.call(one)) expect(w.call(one)).toBe(true)
          }
          if (coversCallers(wider, narrower)) {
            covering++
            for (const one of callers)
              for (const claimed of [true, false]) if (n.caller(one, claimed)) expect(w.caller(one, claimed)).toBe(true)
          }
        }
      },
    ),
    { numRuns: 1000 },
  )
  expect(covering).toBeGreaterThan(500)
})
