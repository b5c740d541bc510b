import { describe, expect, it } from 'vitest'
import {
  authorizationServers,
  protectedResourceMetadata,
  protectedResourceMetadataPath,
  protectedResourceMetadataUrl,
} from './protected-resource-metadata.js'

describe('protectedResourceMetadata', () => {
  it('tells which proofs are taken, where any are', () => {
    const server = { resource: 'https://mcp.example.com/mcp', authorizationServers: ['https://idp.example.com'] }
    expect(protectedResourceMetadata({ ...server, dpopAlgorithms: ['ES256'] })).toMatchObject({
      dpop_signing_alg_values_supported: ['ES256'],
    })
    expect(protectedResourceMetadata({ ...server, dpopAlgorithms: [] })).not.toHaveProperty(
      'dpop_signing_alg_values_supported',
    )
  })

  const server = {
    resource: 'https://mcp.example.com/mcp',
    authorizationServers: ['https://idp.example.com/realms/acme'],
  }

  it('has the least that clients need', () => {
    expect(protectedResourceMetadata(server)).toEqual({
      resource: 'https://mcp.example.com/mcp',
      authorization_servers: ['https://idp.example.com/realms/acme'],
      bearer_methods_supported: ['header'],
    })
  })

  it('names scopes, without offline_access, and the server', () => {
    expect(
      protectedResourceMetadata({ ...server, scopes: ['files:read', 'offline_access'], name: 'Files' }),
    ).toMatchObject({
      scopes_supported: ['files:read'],
      resource_name: 'Files',
    })
  })
})

describe('where it is', () => {
  it.each([
    ['https://mcp.example.com/mcp', 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'],
    ['https://mcp.example.com', 'https://mcp.example.com/.well-known/oauth-protected-resource'],
    ['https://mcp.example.com/', 'https://mcp.example.com/.well-known/oauth-protected-resource'],
    ['https://mcp.example.com:8443/a/b', 'https://mcp.example.com:8443/.well-known/oauth-protected-resource/a/b'],
    ['https://mcp.example.com/a?b=c', 'https://mcp.example.com/.well-known/oauth-protected-resource/a?b=c'],
  ])('%s', (resource, url) => {
    expect(protectedResourceMetadataUrl(resource)).toBe(url)
  })

  it('as a path', () => {
    expect(protectedResourceMetadataPath('/mcp')).toBe('/.well-known/oauth-protected-resource/mcp')
    expect(protectedResourceMetadataPath('/')).toBe('/.well-known/oauth-protected-resource')
  })
})

describe('authorizationServers', () => {
  const issuer = (name: string, audiences: readonly string[], login = true) => ({
    url: `https://${name}.example.com`,
    alias: name,
    audiences,
    login,
  })

  it('names, in their order, issuers that people log in at and whose tokens can be meant for the Server', () => {
    const issuers = [
      issuer('mesh', ['mcp'], false),
      issuer('other', ['elsewhere']),
      issuer('idp', ['x', 'mcp']),
      issuer('partner', ['mcp']),
    ]
    expect(authorizationServers(issuers, ['mcp'])).toEqual(['https://idp.example.com', 'https://partner.example.com'])
  })

  it('leaves the member out where there is none', () => {
    const servers = authorizationServers([issuer('mesh', ['mcp'], false)], ['mcp'])
    const metadata = protectedResourceMetadata({ resource: 'https://a/mcp', authorizationServers: servers })
    expect(metadata).not.toHaveProperty('authorization_servers')
  })
})
