import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { lintDocument } from './lint-document.js'

const lint = (text: string) =>
  readDocuments('a.yaml', text)
    .documents.flatMap(lintDocument)
    .map(({ code, location: { line, column }, path }) => `${line}:${column} ${path} ${code}`)

const guardrail = (spec: string) =>
  `apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: g }\nspec:\n${spec}`

describe('lintDocument', () => {
  it('says where in a block of text an expression is wrong', () => {
    const text = guardrail(`  validations:
  - expression: |
      has(args.a) &&
        user.name == 'x' ||
        scopes.exists(s, s.contains('write'))
    messageExpression: "'no ' + mcp.tool.nam"
`)
    expect(lint(text)).toEqual([
      '8:13 spec.validations[0].expression unknown-member',
      '9:36 spec.validations[0].expression scope-substring',
      '10:41 spec.validations[0].messageExpression unknown-member',
    ])
  })

  it.each<[string, string, readonly string[]]>([
    [
      'every field of a Guardrail',
      guardrail(`  variables: [{ name: a, expression: "user.nam" }]
  matchConditions: [{ name: c, expression: "principal.kind == 'robot'" }]
  validations: [{ expression: "variables.a == request.tiem" }]
`),
      ['unknown-member', 'unknown-value', 'unknown-member'],
    ],
    [
      'variables that nothing reads, and such that are not there',
      guardrail(`  variables:
  - { name: used, expression: "1" }
  - { name: unused, expression: "2" }
  - { name: _hidden, expression: "variables.used" }
  validations: [{ expression: "variables.usd == 1" }]
`),
      ['unused-variable', 'unknown-member'],
    ],
    [
      'no variables where names are computed',
      guardrail(`  variables: [{ name: a, expression: "1" }, { name: b, expression: "2" }]
  validations: [{ expression: "variables[args.name] == 1" }]
`),
      [],
    ],
    [
      'no variables where an expression does not compile',
      guardrail(`  variables: [{ name: a, expression: "1" }]
  validations: [{ expression: "nope(variables.a)" }]
`),
      [],
    ],
    ['a rule that allows nothing, and says so', guardrail('  validations: [{ expression: "false" }]\n'), []],
    [
      'an Enrichment',
      `apiVersion: x
kind: Enrichment
spec:
  variables: [{ name: a, expression: "1" }]
  requestHeaders: [{ name: x, valueExpression: "user.name" }]
  record: [{ key: x, valueExpression: "agent.idd" }]
`,
      ['unused-variable', 'unknown-member', 'unknown-member'],
    ],
    [
      'the condition of a Grant, whose variables are reported elsewhere',
      `apiVersion: x
kind: Grant
spec:
  variables: [{ name: a, expression: "1" }]
  matchConditions: [{ name: c, expression: "claims.scope.contains('admin')" }]
`,
      ['scope-substring'],
    ],
    [
      'an Identity',
      "apiVersion: x\nkind: Identity\nspec: { tenant: \"claims.scp.contains('x') ? 'a' : 'b'\" }\n",
      ['scope-substring'],
    ],
    [
      'an AuthenticationConfiguration',
      `apiVersion: x
kind: AuthenticationConfiguration
jwt:
- claimValidationRules: [{ claim: hd, requiredValue: x }, { expression: "claims.hd.endsWith('example.com')" }]
  claimMappings:
    username: { expression: "claims.a == 1 || claims.a == 'x' ? 'a' : 'b'" }
    extra: [{ key: k, valueExpression: "[claims.a][1]" }]
  userValidationRules: [{ expression: "[user.username][1] != ''" }]
`,
      ['open-host', 'disjoint-comparison', 'constant-index', 'constant-index'],
    ],
    ['nothing of another kind', 'apiVersion: x\nkind: Server\nspec: { expression: "1 == 1" }\n', []],
    [
      'nothing that is no text',
      'apiVersion: x\nkind: Guardrail\nspec: { validations: [{ expression: 5 }, 6], variables: 7 }\n',
      [],
    ],
  ])('looks at %s', (_name, text, codes) => {
    expect(lint(text).map(finding => finding.split(' ').at(-1))).toEqual(codes)
  })
})
