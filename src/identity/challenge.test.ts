import { describe, expect, it } from 'vitest'
import { challenge, wwwAuthenticate } from './challenge.js'

const resourceMetadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

const manyScopes = Array.from({ length: 300 }, (_, at) => `scope:${at}`)

describe('challenge', () => {
  it('says no more than where to go when there was no token', () => {
    expect(challenge({ resourceMetadata })).toBe(`Bearer resource_metadata="${resourceMetadata}"`)
  })

  it('says everything else, free text last', () => {
    expect(
      challenge({
        realm: 'mcp',
        error: 'insufficient_scope',
        description: 'more, please',
        scope: ['a:b', 'c'],
        resourceMetadata,
      }),
    ).toBe(
      `Bearer realm="mcp", error="insufficient_scope", scope="a:b c", resource_metadata="${resourceMetadata}", error_description="more, please"`,
    )
  })

  it.each([
    ['quotes and backslashes in the realm', { realm: 'a"b\\c' }, 'Bearer realm="a\\"b\\\\c", '],
    [
      'quotes and backslashes in the description',
      { description: 'say "no\\"' },
      `Bearer resource_metadata="${resourceMetadata}", error_description="say 'no'"`,
    ],
    ['line breaks', { realm: 'a\r\nSet-Cookie: x' }, 'Bearer realm="aSet-Cookie: x", '],
    ['other control characters and letters beyond ASCII', { realm: 'a\u0000\u007fäb' }, 'Bearer realm="ab", '],
    ['scopes that are none', { scope: ['a b', 'ok', '"', '', 'x\\y', 'ü'] }, 'Bearer scope="ok", '],
    ['no scopes', { scope: [] }, 'Bearer resource_metadata='],
    ['offline_access, which is not ours to ask for', { scope: ['offline_access', 'a'] }, 'Bearer scope="a", '],
    ['more scopes than a header should hold', { scope: manyScopes }, 'Bearer resource_metadata='],
    ['a proof that is wanted', { scheme: 'DPoP', algs: ['ES256', 'PS256'] }, 'DPoP algs="ES256 PS256", '],
  ] as const)('is well-formed with %s', (_, input, start) => {
    expect(challenge({ ...input, resourceMetadata }).startsWith(start)).toBe(true)
  })
})

describe('wwwAuthenticate', () => {
  it('puts Bearer first, which is all that MCP clients look for', () => {
    const value = wwwAuthenticate([
      { scheme: 'DPoP', error: 'invalid_dpop_proof', algs: ['ES256'], resourceMetadata },
      { error: 'invalid_token', scope: ['a'], resourceMetadata },
    ])
    expect(value).toBe(
      `Bearer error="invalid_token", scope="a", resource_metadata="${resourceMetadata}", ` +
        `DPoP error="invalid_dpop_proof", algs="ES256", resource_metadata="${resourceMetadata}"`,
    )
  })
})
