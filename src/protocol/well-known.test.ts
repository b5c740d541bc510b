import { expect, it } from 'vitest'
import { matchWellKnown } from './well-known.js'

it.each([
  ['/.well-known/oauth-protected-resource', 'oauth-protected-resource', ''],
  ['/.well-known/oauth-protected-resource/', 'oauth-protected-resource', '/'],
  ['/.well-known/oauth-protected-resource/mcp', 'oauth-protected-resource', '/mcp'],
  ['/.well-known/oauth-protected-resource/a/b', 'oauth-protected-resource', '/a/b'],
  ['/.well-known/oauth-authorization-server/mcp', 'oauth-authorization-server', '/mcp'],
  ['/.well-known/openid-configuration', 'openid-configuration', ''],
  ['/.well-known/oauth-protected-resource/%6dcp', 'oauth-protected-resource', '/%6dcp'],
])('%s', (path, document, resourcePath) => {
  expect(matchWellKnown(path)).toEqual({ document, resourcePath })
})

it.each([
  '/.well-known/oauth-protected-resourcex',
  '/.well-known/OAuth-protected-resource',
  '/.well-known/',
  '/.well-known/jwks.json',
  '/mcp/.well-known/oauth-protected-resource',
  '//.well-known/oauth-protected-resource',
  '/%2ewell-known/oauth-protected-resource',
  '/mcp',
  '',
])('not %s', path => {
  expect(matchWellKnown(path)).toBeUndefined()
})
