import { describe, expect, it } from 'vitest'
import { errorsOf, memorySource, namesAsTokens, storeOf } from '../../test/support/policies.js'

const nobody = namesAsTokens({})
const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const server = (name: string, more = '') =>
  `${head}\nkind: Server\nmetadata: { name: ${name} }\nspec: { resource: "https://${name}.example.com/mcp"${more} }\n`
const enrichment = (name: string, headers: readonly string[], servers = 'files') =>
  `${head}\nkind: Enrichment\nmetadata: { name: ${name} }\nspec:\n  match: { servers: ["${servers}"] }\n  requestHeaders:\n${headers
    .map(header => `  - { name: ${header}, valueExpression: "'v'" }\n`)
    .join('')}`
const load = (...documents: readonly string[]) => {
  const store = storeOf([memorySource({ 'a.yaml': documents.join('---\n') })], nobody, 'serve')
  return { store, errors: errorsOf(store.load().findings) }
}
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `x-mcp-authz-${prefix}${i}`)

describe('headers that policies name', () => {
  const forbidden = [
    'host',
    'content-length',
    'content-type',
    'connection',
    'proxy-authorization',
    'authorization',
    'cookie',
    'accept',
    'mcp-session-id',
    'mcp-protocol-version',
    'x-envoy-internal',
    'x-forwarded-for',
    'impersonate-user',
    'impersonate-extra-scopes',
    'kubernetes-authorization',
    'traceparent',
    'x-mcp-authz-user',
  ]

  it.each(forbidden)('an Enrichment cannot set %s', name => {
    expect(load(server('files'), enrichment('e', [name])).errors).toHaveLength(1)
  })

  it.each(forbidden)('a Server cannot let %s be set', name => {
    const { errors } = load(server('files', `, upstream: { headers: [x-fine, ${name}] }`))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain(name)
  })

  it.each(['x-tenant', 'accept-language', 'x-mcp-authz-team', 'x-hosts'])('%s may be set', name => {
    const { errors } = load(server('files', `, upstream: { headers: [${name}] }`), enrichment('e', [name]))
    expect(errors).toEqual([])
  })
})

describe('the room for headers', () => {
  const headersOf = (loaded: ReturnType<typeof load>, name: string) => loaded.store.current?.headersOf(name)
  const applying = (loaded: ReturnType<typeof load>) =>
    loaded.store.current?.enrichments
      .candidates({
        server: 'files',
        tool: 't',
        catalogTool: undefined,
        call: {
          protocol: 'mcp',
          kind: 'request',
          era: 'legacy',
          version: undefined,
          id: '1',
          method: 'tools/call',
          target: { kind: 'tool', name: 't' },
          alsoTargets: [],
          params: undefined,
          arguments: undefined,
          sessionId: undefined,
        },
      })
      .map(one => one.name)

  it('holds twelve of them for a Server', () => {
    const loaded = load(server('files'), enrichment('a', numbered('a', 6)), enrichment('b', numbered('b', 6)))
    expect(loaded.errors).toEqual([])
    expect(applying(loaded)).toEqual(['a', 'b'])
  })

  it('the Enrichment that makes it thirteen is an error and left out; what clients write under its names still is removed', () => {
    const loaded = load(
      server('files'),
      enrichment('a', numbered('a', 8)),
      enrichment('b', numbered('b', 5)),
      enrichment('c', numbered('c', 4)),
    )
    expect(loaded.errors).toHaveLength(1)
    expect(loaded.errors[0]).toContain('files')
    expect(applying(loaded)).toEqual(['a', 'c'])
    expect(headersOf(loaded, 'files')).toContain('x-mcp-authz-b0')
  })

  it('counts a name once, and only where it can be set', () => {
    const loaded = load(
      server('files'),
      server('other'),
      enrichment('a', numbered('a', 8)),
      enrichment('b', numbered('a', 8)),
      enrichment('c', numbered('c', 8), 'other'),
      enrichment(
        'd',
        Array.from({ length: 8 }, (_, i) => `x-not-let-${i}`),
      ),
    )
    expect(loaded.errors).toEqual([])
  })

  it('is that of each Server: one does not remove what another lets be set', () => {
    const loaded = load(
      server('files', ', upstream: { headers: [x-tenant] }'),
      server('other'),
      enrichment('e', ['x-mcp-authz-team']),
    )
    expect(headersOf(loaded, 'files')).toEqual(['x-mcp-authz-team', 'x-tenant'])
    expect(headersOf(loaded, 'other')).toEqual(['x-mcp-authz-team'])
    expect(headersOf(loaded, '')).toEqual(['x-mcp-authz-team'])
    expect(headersOf(loaded, 'files')).toBe(headersOf(loaded, 'files'))
  })

  it('is not filled by the names of all Enrichments together', () => {
    const documents = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].flatMap(name => [
      server(name),
      enrichment(name, numbered(name, 8), name),
    ])
    const loaded = load(...documents)
    expect(loaded.errors).toHaveLength(1)
    expect(loaded.errors[0]).toContain('64')
    expect(headersOf(loaded, 'a')).toHaveLength(64)
  })
})
