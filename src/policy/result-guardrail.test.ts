import { describe, expect, it } from 'vitest'
import { formatFinding } from '../documents/format-finding.js'
import { readDocuments } from '../documents/read-documents.js'
import { compileDocument } from './compile-document.js'
import { staysOnLine } from './result-guardrail-patterns.js'

const file = (spec: string) => `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: g }
spec: ${spec}
`

function compile(spec: string, guardsResults?: boolean) {
  const [document] = readDocuments('g.yaml', file(spec)).documents
  if (document === undefined) throw new Error('is no document')
  const { value, findings } = compileDocument(document, { guardsResults, lint: true })
  return { value, findings: findings.map(formatFinding) }
}

const problems = (spec: string, guardsResults?: boolean) => compile(spec, guardsResults).findings.join('\n')

describe('a Guardrail about results', () => {
  it.each([
    "{ on: response, patterns: [{ pattern: 'AKIA[0-9A-Z]{16}' }] }",
    "{ on: response, patterns: [{ pattern: '(?i)secret', replacement: '***' }] }",
    "{ on: response, patterns: [{ pattern: 'x', action: Deny, message: m, reason: R, hint: h }] }",
    '{ on: response, maxBytes: 65536, mode: Audit }',
    "{ on: response, validations: [{ expression: 'size(result.content) < 10' }] }",
    '{ on: response, match: { tools: [a] }, matchConditions: [{ name: m, expression: "mcp.tool.name != \'b\'" }], maxBytes: 1 }',
    "{ on: response, variables: [{ name: v, expression: 'result.content' }], validations: [{ expression: 'size(variables.v) < 3', messageExpression: 'string(size(variables.v))' }] }",
    "{ on: response, validations: [{ expression: \"user.username != '' || 'a' in scopes || request.host == 'h' || request.time > timestamp('2026-01-01T00:00:00Z')\" }] }",
  ])('compiles: %s', spec => {
    const { value, findings } = compile(spec)
    expect(findings).toEqual([])
    expect(value?.kind).toBe('ResultGuardrail')
  })

  it.each([
    ['nothing about results', '{ on: response }', 'write at least one of maxBytes, patterns, validations'],
    ['a denial', '{ on: response, maxBytes: 1, denial: hide }', 'spec.denial: has no meaning for results'],
    ['another side', '{ on: result, validations: [{ expression: "true" }] }', 'spec.on:'],
    ['maxBytes of a call', '{ maxBytes: 1, validations: [{ expression: "user.uid != \'\'" }] }', 'on: response'],
    ['patterns of a call', "{ patterns: [{ pattern: 'a' }], validations: [{ expression: 'true' }] }", 'on: response'],
    ['no validations of a call', '{ on: request }', 'spec.validations: is required'],
    [
      'result in a call',
      "{ validations: [{ expression: 'size(result) < 3' }] }",
      'result is not known before the answer',
    ],
    [
      'args',
      "{ on: response, validations: [{ expression: 'args.n < 3' }] }",
      'args is not known when the answer comes',
    ],
    [
      'operations',
      "{ on: response, validations: [{ expression: 'operations.size() < 3' }] }",
      'operations is not known',
    ],
    [
      'the authorizer',
      "{ on: response, validations: [{ expression: \"authorizer.group('').resource('pods').check('get').allowed()\" }] }",
      'authorizer is not known when the answer comes',
    ],
    ['params', "{ on: response, validations: [{ expression: 'has(mcp.params.a)' }] }", 'mcp.params is not known'],
    [
      'headers',
      "{ on: response, validations: [{ expression: \"request.headers['a'] == ''\" }] }",
      'request.headers is',
    ],
    ['a name that nothing has', "{ on: response, validations: [{ expression: 'rezult.a == 1' }] }", 'rezult'],
    ['a pattern that is none', "{ on: response, patterns: [{ pattern: '(' }] }", 'not a regular expression of RE2'],
    ['lookahead', "{ on: response, patterns: [{ pattern: 'a(?=b)' }] }", 'not a regular expression of RE2'],
    ['a backreference', "{ on: response, patterns: [{ pattern: '(a)\\1' }] }", 'not a regular expression of RE2'],
    ['an empty match', "{ on: response, patterns: [{ pattern: 'a*' }] }", 'matches where nothing stands'],
    ['an edge alone', "{ on: response, patterns: [{ pattern: '\\b' }] }", 'matches where nothing stands'],
    ['an end alone', "{ on: response, patterns: [{ pattern: '(?m)$' }] }", 'matches where nothing stands'],
    [
      'a huge pattern',
      "{ on: response, patterns: [{ pattern: '([a-z]{100}){9}[a-z]{1000}[0-9]{900}' }] }",
      'repeats too much',
    ],
    ['a long pattern', `{ on: response, patterns: [{ pattern: '${'a'.repeat(1025)}' }] }`, '1024'],
    ['too many patterns', `{ on: response, patterns: [${'{ pattern: a },'.repeat(33)}] }`, '32'],
    ['its own replacement', "{ on: response, patterns: [{ pattern: '[a-z]{4}' }] }", '"[redacted by g]"'],
    [
      'the given one',
      "{ on: response, patterns: [{ pattern: 'a', replacement: 'aa' }] }",
      'spec.patterns[0].replacement',
    ],
    [
      'a replacement with Deny',
      '{ on: response, patterns: [{ pattern: q, action: Deny, replacement: x }] }',
      'nothing is replaced',
    ],
    ['a hint with Redact', '{ on: response, patterns: [{ pattern: q, hint: h }] }', 'is told with action: Deny only'],
    [
      'a group in the replacement',
      "{ on: response, patterns: [{ pattern: '(q)', replacement: '$1' }] }",
      'as it stands',
    ],
    ['an unknown field', "{ on: response, pattern: [{ pattern: 'a' }] }", 'unknown field'],
    ['lint', '{ on: response, validations: [{ expression: "mcp.tool.acess == \'read\'" }] }', 'acess'],
  ])('says what is wrong: %s', (_name, spec, expected) => expect(problems(spec)).toContain(expected))

  it('points at the place', () => {
    const spec = "\n  on: response\n  patterns:\n  - pattern: AKIA\n  - pattern: '('"
    expect(problems(spec)).toMatch(/^g\.yaml:8:14: error: Guardrail\/g spec\.patterns\[1\]\.pattern: /)
  })

  it('is an error where nobody could keep it, and in Audit a warning', () => {
    expect(problems('{ on: response, maxBytes: 1 }', false)).toMatch(/: error: .* kept by nobody/)
    expect(problems('{ on: response, maxBytes: 1, mode: Audit }', false)).toMatch(/: warning: .* kept by nobody/)
    expect(problems('{ on: response, maxBytes: 1 }', true)).toBe('')
    expect(problems('{ on: response, maxBytes: 1 }', undefined)).toBe('')
  })
})

describe('patterns that stay on one line', () => {
  it.each([
    'AKIA[0-9A-Z]{16}',
    '(?i)password: *\\S+',
    '\\bgh[pousr]_\\w{36}\\b',
    '(?:a|b).c',
    '(?P<n>x)',
    '[]a]',
    'a\\.b',
  ])('%s', source => expect(staysOnLine(source)).toBe(true))
  it.each([
    '[^a]',
    '\\s',
    '\\W',
    '\\D',
    '(?s).',
    '(?m)^a',
    'a$',
    '\\n',
    '\\x0a',
    'a\nb',
    '[[:space:]]',
    '\\pZ',
    '\\Qa\\E',
    '[\t-z]',
  ])('not %j', source => expect(staysOnLine(source)).toBe(false))
})
