import { describe, expect, it } from 'vitest'
import { cast, document, policies, read, run, sources } from './policy-tests.fixture.js'
import { type RunReport, runPolicyTests } from './run-policy-tests.js'

/** One test, and which fields of its expectation did not come. */
async function fields(test: string, more = cast): Promise<readonly string[]> {
  const { cases, findings } = await run(`${more}\n  tests:\n  - { name: x, ${test} }`)
  expect(findings).toEqual([])
  expect(cases.length).toBeGreaterThan(0)
  return cases.flatMap(({ mismatches }) => mismatches.map(({ field }) => field))
}

const actual = ({ cases }: RunReport) => Object.fromEntries(cases.map(one => [one.name, one.actual]))

describe('what is expected, and what comes', () => {
  it.each<[string, string, string[]]>([
    ['an allow', 'principal: ann, call: get, expect: allow', []],
    ['no allow', 'principal: bob, call: get, expect: allow', ['decision']],
    ['nothing is a denial', 'principal: bob, call: get', []],
    ['nothing is no allow', 'principal: ann, call: get', ['decision']],
    ['a denial', 'principal: bob, call: get, expect: deny', []],
    ['no denial', 'principal: ann, call: get, expect: { reason: authorization.rbac }', ['decision']],
    ['its reason', 'principal: bob, call: get, expect: { reason: authorization.rbac }', []],
    ['another reason', 'principal: bob, call: get, expect: { reason: authorization.grant }', ['decision']],
    [
      'a policy that objects beside another denial',
      'principal: bob, call: getSystem, expect: { policy: Guardrail/no-system }',
      ['decision'],
    ],
    [
      'a catalogue that refuses',
      'principal: ann, call: secret, expect: { reason: authorization.tool_refused, message: holds keys }',
      [],
    ],
    ['parts of the message', 'principal: bob, call: get, expect: { message: [forbidden, bob] }', ['decision']],
    ['a grant', 'principal: ann, call: read, expect: allow', []],
    ['a scope', 'principal: ann, call: write, expect: { reason: authorization.scope, status: 403 }', []],
    ['another status', 'principal: ann, call: write, expect: { status: 200 }', ['status']],
    [
      'a status where the request goes on',
      'principal: ann, call: read, expect: { status: 200 }',
      ['decision', 'status'],
    ],
    [
      'a header for the server',
      'principal: ann, call: read, expect: { decision: allow, headers: { set: { X-MCP-Authz-Team: blue } } }',
      [],
    ],
    [
      'another value',
      'principal: ann, call: read, expect: { decision: allow, headers: { set: { x-mcp-authz-team: red } } }',
      ['headers.set.x-mcp-authz-team'],
    ],
    ['no header', 'principal: ann, call: read, expect: { decision: allow, headers: { absent: [x-none] } }', []],
    [
      'a header that should not be',
      'principal: ann, call: read, expect: { decision: allow, headers: { absent: [x-mcp-authz-user] } }',
      ['headers.absent'],
    ],
    [
      'what would be denied',
      'principal: ann, call: read, now: 2026-01-15T19:00:00Z, expect: { decision: allow, would: { policyReason: Late } }',
      [],
    ],
    [
      'what would not',
      'principal: ann, call: read, expect: { decision: allow, would: { policyReason: Late } }',
      ['would'],
    ],
    [
      'nothing that would',
      'principal: ann, call: read, now: 2026-01-15T19:00:00Z, expect: { decision: allow, would: none }',
      ['would'],
    ],
    ['no warnings', 'principal: ann, call: read, expect: { decision: allow, warnings: none }', []],
    ['warnings', 'principal: ann, call: read, expect: { decision: allow, warnings: watched }', ['warnings']],
    ['that it is listed', 'principal: ann, call: read, expect: { decision: allow, visible: true }', []],
    ['that it is not', 'principal: bob, call: read, expect: { visible: false }', []],
    ['that it is, but it is not', 'principal: bob, call: read, expect: { visible: true }', ['visible']],
    [
      'that it is not, but it is',
      'principal: ann, call: read, expect: { decision: allow, visible: false }',
      ['visible'],
    ],
    ['a list alone', 'principal: ann, call: read, expect: { visible: true }', []],
    [
      'operations',
      'principal: ann, call: get, expect: { decision: allow, operations: [{ verb: get, resource: pods, name: web }] }',
      [],
    ],
    [
      'other operations',
      'principal: ann, call: get, expect: { decision: allow, operations: [{ verb: list }] }',
      ['operations'],
    ],
    ['fewer operations', 'principal: ann, call: get, expect: { decision: allow, operations: none }', ['operations']],
    [
      'operations of what no catalogue has',
      'principal: ann, call: read, expect: { decision: allow, operations: none }',
      ['operations'],
    ],
    ['a token that is missing', 'call: get, expect: { reason: identity.token_missing, status: 401 }', []],
    ['several at once', 'principals: [bob], calls: [get, read, write], expect: deny', []],
  ])('%s', async (_name, test, expected) => {
    expect(await fields(test)).toEqual(expected)
  })

  it.each<[string, string]>([
    ['a message that cannot be read', 'call: broken'],
    ['arguments that a model got wrong', 'call: repeated'],
    ['a method that is none', 'call: notJson'],
  ])('a plain denial is not content with %s', async (_name, test) => {
    const spec = `
  principals: { ann: { user: ann, groups: [staff] } }
  calls:
    broken: { server: pods, body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}' }
    repeated: { server: pods, tool: pods_get, arguments: '{"namespace":"a","namespace":"b"}' }
    notJson: { server: pods, body: 'pods_get please' }
`
    expect(await fields(`principal: ann, ${test}, expect: deny`, spec)).toEqual(['reason'])
  })

  it('finds what a Guardrail says beside the first one', async () => {
    const second = document(
      'Guardrail',
      'a-first',
      'match: { servers: [pods] }, validations: [{ expression: "false", message: no, reason: First }]',
    )
    const spec = `${cast}
    system: { server: pods, tool: pods_get, arguments: { namespace: kube-system, name: web } }
  tests:
  - { name: one, principal: ann, call: system, expect: { policyReason: SystemNamespace, hints: another } }
  - { name: other, principal: ann, call: system, expect: { policyReason: First } }
  - { name: mixed, principal: ann, call: system, expect: { policyReason: First, policy: Guardrail/no-system } }
`
    const everywhere =
      '{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: { name: all }, roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader }, subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: ann }] }'
    const report = await run(spec, {}, [...policies, second, everywhere])
    expect(report.cases.map(({ name, status }) => [name, status])).toEqual([
      ['one', 'passed'],
      ['other', 'passed'],
      ['mixed', 'failed'],
    ])
  })
})

describe('a matrix', () => {
  it('denies what it does not list, to everybody there is', async () => {
    const report = await run(`${cast}
  matrix:
    ann: { get: allow, read: { decision: allow, visible: true } }
`)
    expect(report.cases).toHaveLength(2 * 7)
    expect(report.failed).toBe(0)
    expect(actual(report)).toMatchObject({ 'ann get': 'allow', 'ann getElsewhere': expect.stringMatching(/^deny/) })
  })

  it('has a row for nobody if it says so', async () => {
    const report = await run(`${cast}
  matrix:
    nobody: { get: { reason: identity.token_missing } }
    ann: { get: allow, read: allow }
`)
    expect(report.cases).toHaveLength(3 * 7)
    expect(report.failed).toBe(0)
  })

  it('says of what it does not list where the row stands', async () => {
    const { cases } = await run(`${cast}\n  matrix:\n    ann: { read: allow }\n`)
    const [failed] = cases.filter(({ status }) => status === 'failed')
    expect(failed).toMatchObject({ name: 'ann get', location: { file: 'x_test.yaml', line: 18 } })
    expect(failed?.explanation.join('\n')).toContain('allowed by RoleBinding "readers/a"')
  })
})

describe('tokens', () => {
  const tokens = `
  tokens:
    ann: { claims: { sub: ann, groups: [staff] } }
    stranger: { claims: { iss: "https://other.example.com", sub: ann } }
    late: { claims: { sub: ann, exp: 1768478400 } }
    early: { claims: { sub: ann, nbf: 1768482000 } }
    elsewhere: { claims: { sub: ann, aud: "https://x.example.com" } }
    idToken: { claims: { sub: ann, nonce: n }, typ: JWT }
    refresh: { claims: { sub: ann }, typ: rt+jwt }
    broken: { claims: { sub: 7 } }
    bound: { claims: { sub: ann, cnf: { jkt: abc } } }
  calls:
    get: { server: pods, tool: pods_get, arguments: { namespace: a, name: web } }
`
  it.each<[string, string]>([
    ['a good one', 'principal: ann, call: get, expect: allow'],
    ['its visibility', 'principal: ann, call: get, expect: { visible: true }'],
    ['of an unknown issuer', 'principal: stranger, call: get, expect: { reason: identity.issuer_unknown }'],
    ['at the moment it expires', 'principal: late, call: get, expect: { reason: identity.expired }'],
    [
      'a moment before',
      'principal: late, call: get, now: 2026-01-15T11:59:59Z, expect: { decision: deny, reason: authorization.rbac }',
    ],
    ['not yet valid', 'principal: early, call: get, expect: { reason: identity.not_yet_valid }'],
    ['for another audience', 'principal: elsewhere, call: get, expect: { reason: identity.audience, status: 401 }'],
    ['an ID token', 'principal: idToken, call: get, expect: { reason: identity.token_type }'],
    ['a refresh token', 'principal: refresh, call: get, expect: { reason: identity.token_type }'],
    ['a name that is a number', 'principal: broken, call: get, expect: { reason: identity.claims }'],
    ['bound to a key', 'principal: bound, call: get, expect: { reason: identity.token_bound }'],
  ])('%s', async (_name, test) => {
    expect(await fields(test, tokens)).toEqual([])
  })
})

describe('results', () => {
  const calls = `
  principals: { ann: { user: ann, groups: [staff] } }
  calls:
    clean: { server: files, tool: read_all, result: "nothing in it" }
    key: { server: files, tool: read_all, result: "a KEY-12 in it" }
    deep: { server: files, tool: read_all, result: { content: [], structuredContent: { a: [{ b: KEY-7 }] } } }
    never: { server: files, tool: read_all, result: "NEVER this" }
    long: { server: files, tool: read_all, result: { content: [], structuredContent: { a: ${'x'.repeat(2001)} } } }
`
  it.each<[string, string, string[]]>([
    [
      'as they are',
      'call: clean, expect: { decision: allow, result: { withheld: false, redacted: none, contains: nothing } }',
      [],
    ],
    [
      'redacted',
      'call: key, expect: { decision: allow, result: { redacted: Guardrail/keys, absent: KEY-12, contains: "a [" } }',
      [],
    ],
    [
      'not redacted as expected',
      'call: key, expect: { decision: allow, result: { redacted: none } }',
      ['result.redacted'],
    ],
    ['deep down', 'call: deep, expect: { decision: allow, result: { absent: KEY-7 } }', []],
    [
      'withheld',
      'call: never, expect: { decision: allow, result: { withheld: { policyReason: Never }, absent: NEVER } }',
      [],
    ],
    ['too long', 'call: long, expect: { decision: allow, result: { withheld: true } }', []],
    [
      'withheld unexpectedly',
      'call: never, expect: { decision: allow, result: { withheld: false } }',
      ['result.withheld'],
    ],
    [
      'not withheld',
      'call: key, expect: { decision: allow, result: { withheld: true, absent: KEY } }',
      ['result.withheld'],
    ],
    [
      'holding something else',
      'call: clean, expect: { decision: allow, result: { contains: everything, absent: nothing } }',
      ['result.contains', 'result.absent'],
    ],
  ])('%s', async (_name, test, expected) => {
    expect(await fields(`principal: ann, ${test}`, calls)).toEqual(expected)
  })
})

describe('names that the policies do not have', () => {
  it.each<[string, string, string, string]>([
    ['a Server', 'x: { server: pds, tool: pods_get }', 'there is no Server "pds"', 'did you mean "pods"?'],
    ['no Server', 'x: { tool: pods_get }', 'says not which Server it is for', 'there are: pods, files'],
    ['a tool', 'x: { server: pods, tool: pods_gt }', 'has no tool "pods_gt"', 'did you mean "pods_get"?'],
  ])('%s', async (_name, call, message, hint) => {
    const { findings, cases } = await run(
      `\n  principals: { ann: { user: ann } }\n  calls:\n    ${call}\n  tests:\n  - { name: x, principal: ann, call: x }`,
    )
    expect(cases).toEqual([])
    expect(findings).toMatchObject([
      { severity: 'error', message: expect.stringContaining(message), hint, location: { line: 7 } },
    ])
  })

  it('a policy', async () => {
    const { findings } = await run(
      `${cast}\n  tests:\n  - { name: x, principal: ann, call: get, expect: { policy: Guardrail/no-sytem } }`,
    )
    expect(findings).toMatchObject([
      { message: 'there is no policy "Guardrail/no-sytem"', hint: 'did you mean "Guardrail/no-system"?' },
    ])
  })

  it('are what a test may be about', async () => {
    const report = await run(`
  principals: { ann: { user: ann } }
  calls: { x: { server: pods, tool: pods_gt, unknownTool: true } }
  tests: [{ name: x, principal: ann, call: x, expect: { reason: authorization.tool_unknown } }]`)
    expect(report).toMatchObject({ findings: [], passed: 1 })
  })
})

describe('a run', () => {
  const spec = `${cast}\n  matrix: { ann: { get: allow } }`

  it('tells the same each time', async () => {
    const [first, second] = [await run(spec, { coverage: true }), await run(spec, { coverage: true })]
    expect(JSON.stringify(first)).toBe(JSON.stringify(second))
    expect(first.failed).toBe(1)
  })

  it('does only what the filter says', async () => {
    const report = await run(spec, { selects: name => name === 't/ann get' })
    expect(report).toMatchObject({ passed: 1, failed: 0, leftOut: 13 })
  })

  it('runs nothing against policies that do not compile', async () => {
    const report = await run(spec, {}, [
      ...policies,
      document('Guardrail', 'broken', 'validations: [{ expression: "usr == 1" }]'),
    ])
    expect(report.cases).toEqual([])
    expect(report.findings).toMatchObject([{ severity: 'error', subject: 'Guardrail/broken' }])
  })

  it('decides as the same policies do unobserved', async () => {
    const [plain, observed] = [await run(spec), await run(spec, { coverage: true })]
    expect(observed.cases).toEqual(plain.cases)
  })
})

describe('mode: Enforce', () => {
  const audited = [
    ...policies.map(one =>
      one.includes('kind: Server')
        ? one.replace('resource:', 'mode: Audit, resource:')
        : one.replace('on: response,', 'on: response, mode: Audit,'),
    ),
    document('Guardrail', 'told', `match: { servers: [files] }, validations: [{ expression: "false" }], mode: Warn`),
  ]
  const late = '2026-01-15T19:00:00Z'
  const tests = `${cast}
    key: { server: files, tool: read_all, result: KEY-1 }
    never: { server: files, tool: read_all, result: NEVER }
  tests:
  - { name: nobody, principal: bob, call: get, expect: EXPECT }
  - { name: late, principal: ann, call: read, now: ${late}, expect: EXPECT }
  - { name: redacted, principal: ann, call: key, expect: { decision: allow, result: RESULT } }
  - { name: withheld, principal: ann, call: never, expect: { decision: allow, result: { withheld: WITHHELD } } }
  - { name: warned, principal: ann, call: read, expect: { decision: allow, warnings: told } }
`
  const spec = (expect: string, result: string, withheld: string) =>
    tests.replaceAll('EXPECT', expect).replace('RESULT', result).replace('WITHHELD', withheld)
  const asEnforced = spec('deny', '{ redacted: Guardrail/keys, absent: KEY-1 }', 'true')
  const asIs = spec('allow', '{ redacted: none, contains: KEY-1 }', 'false')

  it('judges what is in Audit as if it were enforced, and Warn as Warn', async () => {
    const { cases, findings } = await run(`\n  mode: Enforce${asEnforced}`, {}, audited)
    expect(findings).toEqual([])
    expect(cases.filter(({ status }) => status === 'failed')).toEqual([])
    expect(cases).toHaveLength(5)
  })

  it('is not the default, and another document of tests keeps the modes', async () => {
    const { cases } = await runPolicyTests({
      tests: read(`\n  mode: Enforce${asEnforced}`, asIs),
      policiesOf: () => ({ key: '', options: { sources: sources(audited), compile: {}, clusters: ['local'] } }),
    })
    expect(cases).toHaveLength(10)
    expect(cases.filter(({ status }) => status === 'failed')).toEqual([])
  })
})
