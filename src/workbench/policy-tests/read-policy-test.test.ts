import { describe, expect, it } from 'vitest'
import { formatFinding } from '../../documents/format-finding.js'
import { readDocuments } from '../../documents/read-documents.js'
import { read } from './policy-tests.fixture.js'
import { readPolicyTest } from './read-policy-test.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: PolicyTest\nmetadata: { name: t }\nspec:'
const people = '\n  principals: { alice: { user: alice } }'
const calls = '\n  calls: { list: { tool: pods_list } }'

function complaints(text: string): readonly string[] {
  const { documents, findings } = readDocuments('a_test.yaml', text)
  return [...findings, ...documents.flatMap(one => readPolicyTest(one).findings)].map(formatFinding)
}

describe('what is wrong with a test, and where', () => {
  it.each<[string, string, string]>([
    ['no YAML', `${head}${calls}\n  tests: [}`, 'a_test.yaml:6:11: error'],
    [
      'an unknown field',
      `${head}${calls}\n  test: []`,
      '6:3: error: PolicyTest/t spec.test: unknown field\n    did you mean tests?',
    ],
    ['another mode', `${head}${calls}\n  mode: Audit`, 'spec.mode: must be "Enforce", not the text "Audit"'],
    ['no tests', `${head}${calls}`, 'spec: tests nothing\n    write tests, or a matrix'],
    ['no call', `${head}${calls}\n  tests: [{ name: x }]`, '6:11: error: PolicyTest/t spec.tests[0]: says of no call'],
    [
      'a misspelt principal',
      `${head}${people}${calls}\n  tests: [{ name: x, principal: alcie, call: list }]`,
      '7:33: error: PolicyTest/t spec.tests[0].principal: there is no principal or token "alcie"\n    did you mean "alice"?',
    ],
    [
      'a principal far from any',
      `${head}${people}${calls}\n  tests: [{ name: x, principal: zoe-and-her-team, call: list }]`,
      'there are: nobody, alice',
    ],
    [
      'a misspelt call in a list',
      `${head}${people}${calls}\n  tests: [{ name: x, calls: [list, lits] }]`,
      '7:36: error: PolicyTest/t spec.tests[0].calls[1]: there is no call "lits"\n    did you mean "list"?',
    ],
    [
      'a misspelt row',
      `${head}${people}${calls}\n  matrix:\n    alcie: { list: allow }`,
      '8:5: error: PolicyTest/t spec.matrix.alcie: there is no principal or token "alcie"\n    did you mean "alice"?',
    ],
    [
      'a misspelt column',
      `${head}${people}${calls}\n  matrix:\n    alice: { lits: allow }`,
      '8:14: error: PolicyTest/t spec.matrix.alice.lits: there is no call "lits"',
    ],
    [
      'a misspelt decision',
      `${head}${people}${calls}\n  matrix: { alice: { list: alow } }`,
      'must be a mapping or "allow" or "deny", not the text "alow"',
    ],
    [
      'an empty expectation',
      `${head}${calls}\n  tests: [{ name: x, call: list, expect: {} }]`,
      'expects nothing\n    write allow, or deny',
    ],
    [
      'a reason of an allow',
      `${head}${calls}\n  tests: [{ name: x, call: list, expect: { decision: allow, reason: authorization.rbac } }]`,
      'spec.tests[0].expect.reason: goes with a denial',
    ],
    [
      'a result of a denial',
      `${head}${calls}\n  tests: [{ name: x, call: list, expect: { result: { withheld: true } } }]`,
      'write decision: allow beside it',
    ],
    [
      'a result that the server did not give',
      `${head}${calls}\n  tests: [{ name: x, call: list, expect: { decision: allow, result: { withheld: true } } }]`,
      'say in spec.calls.list.result what the server answers',
    ],
    [
      'visibility of a method',
      `${head}\n  calls: { ping: { method: ping } }\n  tests: [{ name: x, call: ping, expect: { visible: true } }]`,
      'no list has "ping"',
    ],
    [
      'a call of a template',
      `${head}\n  calls: { t: { resourceTemplate: "a://{b}" } }\n  tests: [{ name: x, call: t, expect: allow }]`,
      'nothing can call a template',
    ],
    [
      'two targets',
      `${head}\n  calls: { x: { tool: a, prompt: b } }\n  tests: [{ name: x, call: x }]`,
      'a call has exactly one of tool, prompt',
    ],
    [
      'no target',
      `${head}\n  calls: { x: { server: a } }\n  tests: [{ name: x, call: x }]`,
      'a call has exactly one of',
    ],
    [
      'arguments of a method',
      `${head}\n  calls: { x: { method: ping, arguments: {} } }\n  tests: [{ name: x, call: x }]`,
      'other methods have params',
    ],
    [
      'no time',
      `${head}${calls}\n  now: yesterday\n  tests: [{ name: x, call: list }]`,
      'spec.now: a time is RFC 3339',
    ],
    [
      'a day that is none',
      `${head}${calls}\n  now: 2026-13-41T00:00:00Z\n  tests: [{ name: x, call: list }]`,
      'a time is RFC 3339',
    ],
    [
      'an agent without an alias',
      `${head}\n  principals: { a: { user: a, agent: bot } }${calls}\n  matrix: {}`,
      'an agent is alias:id',
    ],
    [
      'a name of two',
      `${head}${people}\n  tokens: { alice: { claims: {} } }${calls}\n  matrix: {}`,
      'spec.tokens.alice: there is a principal "alice" too',
    ],
    [
      'two tests of one name',
      `${head}${calls}\n  tests: [{ name: x, call: list }, { name: x, call: list }]`,
      'there are two tests "x"',
    ],
    [
      'a policy among tests',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: g }\nspec: {}',
      '2:7: error: Guardrail/g kind: a file of tests holds nothing but PolicyTests, and this is a Guardrail',
    ],
    [
      'too many cases',
      `${head}\n  principals: { ${numbered(150, i => `p${i}: { user: a }`)} }\n  calls: { ${numbered(100, i => `c${i}: { tool: a }`)} }\n  matrix: {}`,
      'more than 10000 cases\n    write several documents',
    ],
    [
      'too many calls',
      `${head}\n  calls: { ${numbered(501, i => `c${i}: { tool: a }`)} }\n  matrix: {}`,
      'more than 500 calls',
    ],
  ])('%s', (_name, text, expected) => {
    expect(complaints(text).join('\n')).toContain(expected)
  })

  it('refuses few lines that mean millions of cases before it makes them', () => {
    const many = `principals: [${numbered(400, () => 'nobody')}], calls: [${numbered(400, () => 'a')}]`
    const tests = Array.from({ length: 100 }, (_, index) => `\n  - { name: x${index}, ${many} }`).join('')
    expect(complaints(`${head}\n  calls: { a: { tool: a } }\n  tests:${tests}`)).toEqual([
      expect.stringContaining('more than 10000 cases'),
    ])
  })

  it('takes names like those of members of objects for what they are', () => {
    const text = `${head}\n  principals: { constructor: { user: a } }\n  calls: { toString: { tool: a } }\n  matrix: { constructor: { valueOf: allow } }`
    expect(complaints(text).join('\n')).toContain('there is no call "valueOf"')
  })
})

describe('what is left out', () => {
  it('is a Thursday at noon, somebody without a token, and a denial', () => {
    const [test] = read(`${calls}\n  tests: [{ name: x, call: list }]`)
    expect(test?.cases).toMatchObject([
      { asker: { kind: 'nobody' }, expectation: { decision: 'deny' }, now: Date.parse('2026-01-15T12:00:00Z') },
    ])
  })

  it.each<[string, string, string | undefined]>([
    ['not listed', '{ visible: false }', 'deny'],
    ['listed', '{ visible: true }', undefined],
    ['a reason', '{ visible: true, reason: authorization.rbac }', 'deny'],
    ['an allow', '{ visible: true, decision: allow }', 'allow'],
  ])('of what is expected to be %s, the decision', (_name, expected, decision) => {
    const [test] = read(`${calls}\n  tests: [{ name: x, call: list, expect: ${expected} }]`)
    expect(test?.cases.map(({ expectation }) => expectation.decision)).toEqual([decision])
  })

  it('is not the decision about a template', () => {
    const [test] = read(
      '\n  calls: { t: { resourceTemplate: "a://{b}" } }\n  tests: [{ name: x, call: t, expect: { visible: false } }]',
    )
    expect(test?.cases.map(({ expectation }) => expectation.decision)).toEqual([undefined])
  })

  it('makes a case of each principal and call', () => {
    const [test] = read(
      `\n  principals: { a: { user: a }, b: { user: b } }\n  calls: { c: { tool: c }, d: { tool: d } }\n  tests: [{ name: x, principals: [a, b], calls: [c, d] }]`,
    )
    expect(test?.cases.map(({ name }) => name)).toEqual(['x: a c', 'x: a d', 'x: b c', 'x: b d'])
  })
})

function numbered(count: number, of: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => of(index)).join(', ')
}
