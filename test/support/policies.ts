import { join } from 'node:path'
import type { Finding } from '../../src/documents/finding.js'
import type { Authenticated, Authenticator } from '../../src/identity/authenticator.js'
import type { Principal } from '../../src/identity/principal.js'
import { packageRoot } from '../../src/package-root.js'
import { createDirectorySource } from '../../src/policy/directory-source.js'
import { PolicyStore } from '../../src/policy/policy-store.js'
import type { PolicySource } from '../../src/policy/source.js'
import type { InboundRequest } from '../../src/protocol/inbound-request.js'
import type { JsonObject } from '../../src/protocol/json-value.js'

export const catalogs: PolicySource = createDirectorySource({
  directory: join(packageRoot, 'policies/catalogs'),
  trust: 0,
})

export const demo: PolicySource = createDirectorySource({ directory: join(packageRoot, 'policies/demo') })

/** A source whose files a test can change. */
export function memorySource(
  files: Record<string, string>,
  options: { trust?: number; kinds?: readonly string[]; name?: string } = {},
): PolicySource {
  return {
    name: options.name ?? 'memory',
    trust: options.trust ?? 100,
    kinds: options.kinds && new Set(options.kinds),
    fingerprint: () => JSON.stringify(files),
    read: () => ({ files: Object.entries(files).map(([name, text]) => ({ name, text })), findings: [] }),
  }
}

/** A principal as the identity room would make it. */
export function person(username: string, groups: readonly string[] = [], more: Partial<Principal> = {}): Principal {
  const claims: JsonObject = new Map([['sub', username]])
  return {
    kind: 'user',
    user: { username, uid: '', groups: [...groups, 'system:authenticated'], extra: new Map() },
    claims,
    issuer: 'https://idp.example.com',
    issuerAlias: 'demo',
    scopes: [],
    agent: { id: '', issuer: '', assurance: 'none' },
    throughAgent: false,
    actors: [],
    chainId: '',
    workload: '',
    tenant: undefined,
    agentUser: undefined,
    expiresAt: undefined,
    ...more,
  }
}

/** A principal that acts through an attested agent. */
export function through(
  principal: Principal,
  agent: string,
  assurance: 'attested' | 'claimed' = 'attested',
): Principal {
  return {
    ...principal,
    agent: { id: agent, issuer: 'demo', assurance },
    throughAgent: true,
    agentUser: { username: `agent:demo:${agent}`, uid: '', groups: ['system:authenticated'], extra: new Map() },
  }
}

/** Takes the bearer token for the name of one of these principals; the real authenticator has its own tests. */
export function namesAsTokens(principals: Readonly<Record<string, Principal>>): Authenticator {
  return {
    issuers: [
      {
        url: 'https://idp.example.com',
        alias: 'demo',
        audiences: ['https://srv.example.com/mcp', 'https://mcp.example.com/mcp'],
        login: true,
      },
    ],
    ready: true,
    pending: [],
    start: () => Promise.resolve(),
    stop: () => undefined,
    authenticate(request: InboundRequest): Authenticated {
      const name = request.headers.one('authorization')?.replace('Bearer ', '')
      if (name === undefined)
        return { ok: false, reason: 'identity.token_missing', message: 'an access token is needed' }
      const principal = principals[name]
      return principal === undefined
        ? { ok: false, reason: 'identity.signature', message: 'the token is not valid' }
        : { ok: true, principal }
    },
  }
}

export function storeOf(
  sources: readonly PolicySource[],
  authenticator: Authenticator,
  brokenPolicies: 'refuse' | 'serve' = 'refuse',
): PolicyStore {
  return new PolicyStore({
    sources,
    brokenPolicies,
    compile: { insecureLoopbackIssuers: false },
    assemble: { clusters: ['local'], authenticator: () => ({ value: authenticator, findings: [] }) },
  })
}

export function errorsOf(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(finding => finding.severity === 'error')
    .map(finding => `${finding.location.file}:${finding.location.line} ${finding.message}`)
}
