import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Authenticator } from './authenticator.js'
import { requestWith } from './identity.fixture.js'
import {
  accepted,
  authenticatorFor,
  delegation,
  otherResource,
  resource,
  startProvider,
  type TestProvider,
} from './oidc-provider.fixture.js'

let provider: TestProvider
let authenticator: Authenticator

beforeAll(async () => {
  provider = await startProvider()
  authenticator = authenticatorFor([provider])
  await authenticator.start()
})
afterAll(() => {
  authenticator.stop()
  provider.close()
})

const authenticate = async (jwt: string) =>
  authenticator.authenticate(requestWith({ authorization: `Bearer ${jwt}` }), accepted)

describe('oidc-provider', () => {
  it('is discovered', () => {
    expect(authenticator.pending).toEqual([])
    expect(authenticator.issuers).toMatchObject([{ url: provider.issuer, alias: 'acme0' }])
  })

  it('client credentials with a resource: a machine', async () => {
    const answer = await authenticate(
      await provider.token({ grant_type: 'client_credentials', resource, scope: 'mcp:tools' }),
    )
    expect(answer).toMatchObject({
      ok: true,
      principal: {
        kind: 'machine',
        user: { username: 'agent', groups: ['platform', 'system:authenticated'] },
        scopes: ['mcp:tools'],
        agent: { id: 'agent', issuer: 'acme0', assurance: 'attested' },
        agentUser: { username: 'agent:acme0:agent' },
        actors: [],
        chainId: '',
      },
    })
  })

  it('delegation: a person through an agent', async () => {
    const answer = await authenticate(await provider.token({ grant_type: delegation, person: 'alice' }))
    expect(answer).toMatchObject({
      ok: true,
      principal: {
        kind: 'user',
        user: { username: 'alice' },
        scopes: ['mcp:read'],
        agent: { id: 'agent', assurance: 'attested' },
        throughAgent: true,
        actors: [{ subject: 'agent', issuer: provider.issuer }],
      },
    })
    expect(answer.ok && answer.principal.chainId).toHaveLength(43)
  })

  it('a token for another resource, under another key, is refused for its audience', async () => {
    const jwt = await provider.token({ grant_type: 'client_credentials', resource: otherResource })
    expect(await authenticate(jwt)).toMatchObject({ ok: false, reason: 'identity.audience' })
  })

  it('a token that was changed is refused for its signature', async () => {
    const [header, payload, signature = ''] = (
      await provider.token({ grant_type: 'client_credentials', resource })
    ).split('.')
    const changed = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(await authenticate(changed)).toMatchObject({ ok: false, reason: 'identity.signature' })
  })
})
