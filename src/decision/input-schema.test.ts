import { describe, expect, it } from 'vitest'
import { policyDocument, setUpServer } from '../../test/support/judge.js'

const inputSchema = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
    order: {
      type: 'object',
      properties: {
        zone: { type: 'string', 'x-mcp-header': 'Zone' },
        lines: { type: 'array', items: { $ref: '#/$defs/line' } },
      },
    },
    labels: { type: 'object', additionalProperties: { type: 'object', properties: { value: {} } } },
    either: { anyOf: [{ properties: { left: {} } }, { properties: { right: { $ref: '#' } } }] },
  },
  $defs: { line: { properties: { amount: { type: 'integer' }, parts: { items: { $ref: '#/$defs/line' } } } } },
}
const catalog = (schema: unknown) =>
  policyDocument('ToolCatalog', 'c', { tools: { buy: { access: 'write', operations: 'none', inputSchema: schema } } })
const judge = setUpServer({ catalog: 'c', require: ['grants'] }, [catalog(inputSchema)])

const legacy = (args: unknown) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'buy', arguments: args },
})
const modern = (args: unknown) => ({
  ...legacy(args),
  params: {
    name: 'buy',
    arguments: args,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})
const routing = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'buy' }

describe('argument names of a tool whose schema is known', () => {
  it.each<[string, unknown, string]>([
    ['exact', { region: 'eu', order: { lines: [{ amount: 1, parts: [{ amount: 2 }] }] } }, 'allow'],
    ['unknown altogether', { colour: 'red', order: { Colour: 1 } }, 'allow'],
    ['in other case', { Region: 'eu' }, 'message.argument'],
    ['in other case in an object', { order: { Lines: [] } }, 'message.argument'],
    ['in other case in a list', { order: { lines: [{ Amount: 1 }] } }, 'message.argument'],
    [
      'in other case through a reference to itself',
      { order: { lines: [{ parts: [{ AMOUNT: 1 }] }] } },
      'message.argument',
    ],
    ['in other case under free names', { labels: { x: { Value: 1 } } }, 'message.argument'],
    ['free names themselves', { labels: { X: {}, y: {} } }, 'allow'],
    ['in other case in one of two forms', { either: { Left: 1 } }, 'message.argument'],
    ['in other case in the other form', { either: { RIGHT: 1 } }, 'message.argument'],
    ['in other case where the form refers to the whole', { either: { right: { Region: 1 } } }, 'message.argument'],
    ['of another level', { order: { Region: 'eu' } }, 'allow'],
  ])('%s', (_, args, verdict) => {
    expect(judge(legacy(args)).verdict).toBe(verdict)
  })
})

describe('headers that repeat arguments (Mcp-Param-*)', () => {
  it.each<[string, unknown, Record<string, string>, string]>([
    ['none, for no arguments', {}, {}, 'allow'],
    ['the same text', { region: 'eu' }, { 'mcp-param-region': 'eu' }, 'allow'],
    ['the same text in base64', { region: 'é' }, { 'mcp-param-region': '=?base64?w6k=?=' }, 'allow'],
    ['base64 that is none', { region: 'é' }, { 'mcp-param-region': '=?base64?w6k?=' }, 'message.header_mismatch'],
    ['another text', { region: 'eu' }, { 'mcp-param-region': 'us' }, 'message.header_mismatch'],
    ['none, for an argument', { region: 'eu' }, {}, 'message.header_mismatch'],
    ['one without argument', {}, { 'mcp-param-region': 'eu' }, 'message.header_mismatch'],
    ['null has none', { region: null }, {}, 'allow'],
    ['one for null', { region: null }, { 'mcp-param-region': 'null' }, 'message.header_mismatch'],
    ['the same number', { count: 42 }, { 'mcp-param-count': '42' }, 'allow'],
    ['the same number with a fraction', { count: 42 }, { 'mcp-param-count': '42.0' }, 'allow'],
    ['another number', { count: 42 }, { 'mcp-param-count': '43' }, 'message.header_mismatch'],
    ['a number in words of programs', { count: 42 }, { 'mcp-param-count': '0x2a' }, 'message.header_mismatch'],
    ['an argument of the wrong type', { count: '42' }, { 'mcp-param-count': '42' }, 'message.header_mismatch'],
    ['the same truth', { dry: true }, { 'mcp-param-dry': 'true' }, 'allow'],
    ['a truth in other case', { dry: true }, { 'mcp-param-dry': 'True' }, 'message.header_mismatch'],
    ['one of an inner argument', { order: { zone: 'a' } }, { 'mcp-param-zone': 'a' }, 'allow'],
    ['another than the inner argument', { order: { zone: 'a' } }, { 'mcp-param-zone': 'b' }, 'message.header_mismatch'],
    ['one that nobody declared', {}, { 'mcp-param-other': 'x' }, 'allow'],
    ['one that nobody declared, malformed', {}, { 'mcp-param-other': '=?base64?!?=' }, 'message.header_mismatch'],
    ['one with underscores', {}, { mcp_param_region: 'eu' }, 'message.header_mismatch'],
  ])('%s', (_, args, headers, verdict) => {
    const judged = judge(modern(args), { headers: { ...routing, ...headers } })
    expect(judged.verdict).toBe(verdict)
    if (verdict === 'allow') return
    expect(judged.status).toBe(400)
    expect(judged.body).toMatchObject({ error: { code: -32020 } })
  })

  it('mean nothing on a legacy call, and are removed from it', () => {
    const { verdict, decision } = judge(legacy({ region: 'eu' }), { headers: { 'mcp-param-region': 'us' } })
    expect(verdict).toBe('allow')
    expect(decision.answer.kind === 'allow' && decision.answer.removeHeaders).toContain('mcp-param-region')
  })
})

describe('a schema that cannot be used', () => {
  it.each<[string, unknown]>([
    ['a reference that leads nowhere', { properties: { a: { $ref: '#/$defs/x' } } }],
    ['a reference to elsewhere', { properties: { a: { $ref: 'https://example.com/schema' } } }],
    ['a header that is no header name', { properties: { a: { type: 'string', 'x-mcp-header': 'a b' } } }],
    [
      'a header of two arguments',
      { properties: { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } } },
    ],
    ['a reference by name', { $dynamicRef: '#node', $defs: { node: { $dynamicAnchor: 'node' } } }],
    ['a reference of older drafts', { properties: { a: { $recursiveRef: '#' } } }],
    ['a header of an object', { properties: { a: { type: 'object', 'x-mcp-header': 'A' } } }],
    ['too much of it', { properties: Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`a${n}`, {}])) }],
  ])('%s', (_, schema) => {
    expect(() => setUpServer({ catalog: 'c', require: ['grants'] }, [catalog(schema)])).toThrow()
  })
})
