import { describe, expect, it } from 'vitest'
import { assumedPrincipal } from '../assumed-principal.js'
import { createJudge } from '../create-judge.js'
import { judgeCase } from './judge-case.js'
import { observePolicies } from './observe-policies.js'
import { loadPolicySet } from './policy-set.js'
import { cast, document, policies, read, run, sources } from './policy-tests.fixture.js'
import { RuleCoverage } from './rule-coverage.js'

async function states(tests: string, documents: readonly string[] = policies) {
  const { coverage, findings } = await run(`${cast}\n  tests:\n${tests}`, { coverage: true }, documents)
  expect(findings).toEqual([])
  return Object.fromEntries((coverage?.rules ?? []).map(({ rule, state }) => [rule, state]))
}

describe('coverage', () => {
  it('knows every rule that somebody wrote', async () => {
    const known = await states('  - { name: x, call: get }')
    expect(known).toEqual({
      'ToolCatalog/small tools.pods_get': 'untouched',
      'ToolCatalog/small tools.pods_delete': 'untouched',
      'ToolCatalog/small tools.secret': 'untouched',
      'Grant/read-files': 'untouched',
      'Grant/write-files': 'untouched',
      'Guardrail/no-system validations[0]': 'untouched',
      'Guardrail/no-system validations[1]': 'untouched',
      'Guardrail/office-hours validations[0]': 'untouched',
      'Guardrail/careful validations[0]': 'untouched',
      'Guardrail/keys patterns[0]': 'untouched',
      'Guardrail/keys patterns[1]': 'untouched',
      'Guardrail/keys maxBytes': 'untouched',
      'Enrichment/team': 'untouched',
      'ClusterRole/reader rules[0]': 'untouched',
      'ClusterRole/reader rules[1]': 'untouched',
      'RoleBinding/a/readers': 'untouched',
    })
  })

  it.each<[string, string, Record<string, string>]>([
    [
      'RBAC, the catalogue, and what a Guardrail has nothing against',
      '  - { name: x, principal: ann, call: get, expect: allow }',
      {
        'ClusterRole/reader rules[0]': 'decided',
        'ClusterRole/reader rules[1]': 'untouched',
        'RoleBinding/a/readers': 'decided',
        'ToolCatalog/small tools.pods_get': 'decided',
        'Guardrail/no-system validations[0]': 'asked',
        'Guardrail/no-system validations[1]': 'asked',
      },
    ],
    [
      'a Grant, an Enrichment, and a Guardrail in Audit',
      '  - { name: x, principal: ann, call: read, now: 2026-01-15T19:00:00Z, expect: allow }',
      {
        'Grant/read-files': 'decided',
        'Grant/write-files': 'untouched',
        'Enrichment/team': 'decided',
        'Guardrail/office-hours validations[0]': 'decided',
      },
    ],
    [
      'a Grant that lacks a scope',
      '  - { name: x, principal: ann, call: write }',
      { 'Grant/write-files': 'asked', 'Guardrail/careful validations[0]': 'untouched' },
    ],
    [
      'a catalogue entry that refuses',
      '  - { name: x, principal: ann, call: secret }',
      { 'ToolCatalog/small tools.secret': 'decided' },
    ],
  ])('of %s', async (_name, tests, expected) => {
    expect(await states(tests)).toMatchObject(expected)
  })

  it('tells apart the validations of one Guardrail, and looks at its conditions', async () => {
    const documents = [
      ...policies,
      document('Grant', 'none', 'match: { servers: [pods], subjects: [{ kind: Group, name: nobody }] }'),
      '{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: { name: all }, roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader }, subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: bob }] }',
      document(
        'Guardrail',
        'not-here',
        'match: { servers: [pods] }, matchConditions: [{ name: never, expression: "false" }], validations: [{ expression: "false" }]',
      ),
    ]
    expect(await states('  - { name: x, principal: bob, call: getSystem }', documents)).toMatchObject({
      'Guardrail/no-system validations[0]': 'decided',
      'Guardrail/no-system validations[1]': 'asked',
      'Guardrail/not-here validations[0]': 'untouched',
    })
  })

  it('of rules about results', async () => {
    const { coverage } = await run(
      `
  principals: { ann: { user: ann, groups: [staff] } }
  calls: { key: { server: files, tool: read_all, result: KEY-12 } }
  tests: [{ name: x, principal: ann, call: key, expect: { decision: allow, result: { redacted: Guardrail/keys } } }]`,
      { coverage: true },
    )
    const found = Object.fromEntries((coverage?.rules ?? []).map(({ rule, state }) => [rule, state]))
    expect(found).toMatchObject({
      'Guardrail/keys patterns[0]': 'decided',
      'Guardrail/keys patterns[1]': 'asked',
      'Guardrail/keys maxBytes': 'asked',
    })
  })

  it('follows aggregated roles to where their rules stand', async () => {
    const documents = [
      ...policies.filter(text => !text.includes('ClusterRole')),
      '{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: part, labels: { into: reader } }, rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }] }',
      '{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: reader }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { into: reader } }] } }',
      policies.find(text => text.includes('kind: RoleBinding')) ?? '',
    ]
    expect(await states('  - { name: x, principal: ann, call: get, expect: allow }', documents)).toMatchObject({
      'ClusterRole/part rules[0]': 'decided',
      'RoleBinding/a/readers': 'decided',
    })
  })
})

describe('policies that are observed', () => {
  it('decide as they do unobserved', async () => {
    const loaded = await loadPolicySet({ sources: sources(), compile: {}, clusters: ['local'] })
    if (!loaded.ok) throw new Error('the policies do not load')
    const { set } = loaded
    const coverage = new RuleCoverage(set)
    const observed = observePolicies(set.snapshot, coverage)
    const [test] = read(`${cast}\n  matrix: {}`)
    for (const one of test?.cases ?? []) {
      const { decision, request } = await judgeCase(one, set, observed, coverage)
      const principal = assumedPrincipal(
        one.asker.name === 'ann' ? { user: 'ann', groups: ['staff'], tenant: 'blue' } : { user: one.asker.name },
      )
      const judged = await createJudge({ snapshot: set.snapshot, principal, now: () => one.now })(request)
      expect([one.name, decision.outcome, decision.failure]).toEqual([
        one.name,
        judged.decision.outcome,
        judged.decision.failure,
      ])
    }
    set.issuer.stop()
  })
})
