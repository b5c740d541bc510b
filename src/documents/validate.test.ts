import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { didYouMean } from './did-you-mean.js'
import { formatFinding } from './format-finding.js'
import { readDocuments } from './read-documents.js'
import { validate } from './validate.js'

const operation = z.strictObject({ verb: z.enum(['get', 'list', 'create']), resource: z.string().min(1) })
const schema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Thing'),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z]+$/, 'only a to z') }).optional(),
  spec: z
    .strictObject({
      mode: z.enum(['Enforce', 'Audit']).default('Enforce'),
      servers: z.array(z.string()).min(1).optional(),
      replicas: z.int().max(10).optional(),
      enabled: z.boolean().optional(),
      operations: z.union([z.literal('none'), z.array(operation)]).optional(),
      subjects: z
        .array(
          z.discriminatedUnion('kind', [
            z.strictObject({ kind: z.literal('User'), name: z.string() }),
            z.strictObject({ kind: z.literal('ServiceAccount'), name: z.string(), namespace: z.string() }),
          ]),
        )
        .optional(),
      tools: z.record(z.string(), operation).optional(),
    })
    .optional(),
})

function findings(spec: string): string[] {
  const [document] = readDocuments('p.yaml', `apiVersion: v1\nkind: Thing\n${spec}\n`).documents
  if (document === undefined) throw new Error('the test case does not parse')
  const result = validate(document, schema)
  return result.ok ? [] : result.findings.map(finding => formatFinding(finding).replace('p.yaml:', ''))
}

describe('validate', () => {
  it('gives the value with its defaults', () => {
    const [document] = readDocuments('p.yaml', 'apiVersion: v1\nkind: Thing\nspec: {}').documents
    if (document === undefined) throw new Error('the test case does not parse')
    expect(validate(document, schema)).toEqual({
      ok: true,
      value: { apiVersion: 'v1', kind: 'Thing', spec: { mode: 'Enforce' } },
    })
  })

  it.each([
    [
      'a misspelt field',
      'spec:\n  sevrers: [a]',
      ['4:3: error: Thing spec.sevrers: unknown field\n    did you mean servers?'],
    ],
    [
      'a field of nothing near',
      'spec:\n  zzz: 1',
      [
        '4:3: error: Thing spec.zzz: unknown field\n    known here: enabled, mode, operations, replicas, servers, subjects, tools',
      ],
    ],
    [
      'a misspelt value',
      'spec: { mode: audit }',
      [
        '3:15: error: Thing spec.mode: must be one of "Enforce", "Audit", not the text "audit"\n    did you mean "Audit"?',
      ],
    ],
    [
      'text for a list',
      'spec:\n  servers: a',
      ['4:12: error: Thing spec.servers: must be a list, not the text "a"\n    write a list: [value]'],
    ],
    [
      'a number for text',
      'spec:\n  servers: [5]',
      ['4:13: error: Thing spec.servers[0]: must be text, not the number 5\n    put the value in quotes'],
    ],
    [
      'quotes around a boolean',
      'spec: { enabled: "true" }',
      ['3:18: error: Thing spec.enabled: must be true or false, not the text "true"\n    write it without quotes'],
    ],
    [
      'an empty list',
      'spec: { servers: [] }',
      ['3:18: error: Thing spec.servers: must not be empty\n    leave the field out, or list at least one'],
    ],
    ['a number above its limit', 'spec: { replicas: 11 }', ['3:19: error: Thing spec.replicas: must be at most 10']],
    [
      'a fraction',
      'spec: { replicas: 1.5 }',
      ['3:19: error: Thing spec.replicas: must be a whole number, not the number 1.5'],
    ],
    [
      'a wrong form',
      'metadata: { name: A }',
      ['3:19: error: Thing/A metadata.name: the text "A" is not valid: only a to z'],
    ],
    ['nothing where something is', 'spec:', ['3:6: error: Thing spec: must be a mapping, not empty (null)']],
    [
      'a missing field in a union',
      'spec:\n  operations:\n  - verb: get',
      ['5:5: error: Thing spec.operations[0].resource: is required: text'],
    ],
    [
      'a misspelt field in a union',
      'spec:\n  operations:\n  - verb: get\n    resource: a\n    resuorce: b',
      ['7:5: error: Thing spec.operations[0].resuorce: unknown field\n    did you mean resource?'],
    ],
    [
      'a value that fits no branch',
      'spec: { operations: nine }',
      ['3:21: error: Thing spec.operations: must be a list or "none", not the text "nine"'],
    ],
    [
      'an unknown discriminator',
      'spec: { subjects: [{ kind: Usre, name: a }] }',
      [
        '3:28: error: Thing spec.subjects[0].kind: must be one of "User", "ServiceAccount", not the text "Usre"\n    did you mean "User"?',
      ],
    ],
    [
      'a field of another branch',
      'spec: { subjects: [{ kind: User, name: a, namespce: b }] }',
      ['3:43: error: Thing spec.subjects[0].namespce: unknown field\n    known here: kind, name'],
    ],
    [
      'inside a record',
      'spec: { tools: { "a.b": { verb: gte, resource: x } } }',
      [
        '3:33: error: Thing spec.tools["a.b"].verb: must be one of "get", "list", "create", not the text "gte"\n    did you mean "get"?',
      ],
    ],
    [
      'prototype names as fields',
      'spec: { constructor: 1, toString: 2 }',
      [
        '3:9: error: Thing spec.constructor: unknown field\n    known here: enabled, mode, operations, replicas, servers, subjects, tools',
        '3:25: error: Thing spec.toString: unknown field\n    known here: enabled, mode, operations, replicas, servers, subjects, tools',
      ],
    ],
  ])('%s', (_, spec, expected) => {
    expect(findings(spec)).toEqual(expected)
  })
})

describe('didYouMean', () => {
  it.each([
    ['usr', ['user', 'users', 'args'], 'user'],
    ['sevrers', ['servers', 'subjects'], 'servers'],
    ['Namespace', ['namespace'], 'namespace'],
    ['x', ['request', 'mcp'], undefined],
    ['', ['a'], undefined],
    ['a'.repeat(10_000), ['b'.repeat(10_000)], undefined],
  ])('%.20s', (word, candidates, expected) => {
    expect(didYouMean(word, candidates)).toBe(expected)
  })
})

describe('formatFinding', () => {
  const finding = {
    severity: 'error',
    location: { file: 'p.yaml', document: 3, line: 7, column: 2 },
    subject: '',
    path: '',
    message: 'bad\u001b[31m\nthing',
    hint: undefined,
  } as const
  it('numbers the document from the second on and shows control characters', () => {
    expect(formatFinding(finding)).toBe('p.yaml:7:2: error: document 3: bad\\u001b[31m thing')
    expect(formatFinding({ ...finding, subject: 'Thing/x', path: 'a' })).toContain('error: document 3, Thing/x a: bad')
  })
})
