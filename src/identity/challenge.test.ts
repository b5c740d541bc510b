import { describe, expect, it } from 'vitest'
import { challenge } from './challenge.js'

const resourceMetadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

describe('challenge', () => {
  it('says no more than where to go when there was no token', () => {
    expect(challenge({ resourceMetadata })).toBe(`Bearer resource_metadata="${resourceMetadata}"`)
  })

  it('says everything else in the order of RFC 6750', () => {
    expect(
      challenge({
        realm: 'mcp',
        error: 'insufficient_scope',
        description: 'more, please',
        scope: ['a:b', 'c'],
        resourceMetadata,
      }),
    ).toBe(
      `Bearer realm="mcp", error="insufficient_scope", error_description="more, please", scope="a:b c", resource_metadata="${resourceMetadata}"`,
    )
  })

  it.each([
    ['quotes and backslashes in the realm', { realm: 'a"b\\c' }, 'Bearer realm="a\\"b\\\\c", '],
    [
      'quotes and backslashes in the description',
      { description: 'say "no\\"' },
      `Bearer error_description="say 'no'", `,
    ],
    ['line breaks', { description: 'a\r\nSet-Cookie: x' }, 'Bearer error_description="aSet-Cookie: x", '],
    ['other control characters and letters beyond ASCII', { realm: 'a\u0000\u007fäb' }, 'Bearer realm="ab", '],
    ['scopes that are none', { scope: ['a b', 'ok', '"', '', 'x\\y', 'ü'] }, 'Bearer scope="ok", '],
    ['no scopes', { scope: [] }, 'Bearer resource_metadata='],
  ])('is well-formed with %s', (_, input, start) => {
    expect(challenge({ ...input, resourceMetadata }).startsWith(start)).toBe(true)
  })
})
