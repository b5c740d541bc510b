import { generateKeyPairSync } from 'node:crypto'
import type { Principal } from '../identity/principal.js'
import type { Call } from '../protocol/call.js'

export function pemKey(kind: 'ES256' | 'EdDSA' | 'RS256' | 'P-384' | 'RSA-1024'): string {
  const pair = {
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'RSA-1024': () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
  }[kind]()
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

export function principalOf(changes: Partial<Principal> = {}): Principal {
  return {
    kind: 'user',
    user: { username: 'alice', uid: 'u-1', groups: ['staff', 'system:authenticated'], extra: new Map() },
    claims: new Map([['sub', 'alice']]),
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
    ...changes,
  }
}

export function toolCall(name: string, args?: Call['arguments']): Call {
  return {
    protocol: 'mcp',
    kind: 'request',
    era: 'legacy',
    version: undefined,
    id: '1',
    method: 'tools/call',
    target: { kind: 'tool', name },
    alsoTargets: [],
    params: undefined,
    arguments: args,
    sessionId: undefined,
  }
}
