import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { audience, issuer } from './policies.js'

/** An issuer in this process: its key set, and as many different access tokens as a run needs. */
export interface TokenIssuer {
  readonly jwks: unknown
  /** Tokens of one person through one agent, alike but for their `jti`. */
  mint(count: number): readonly string[]
}

export function createTokenIssuer(): TokenIssuer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' }
  const header = encode({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
  return {
    jwks: { keys: [jwk] },
    mint: count => Array.from({ length: count }, (_, n) => signed(privateKey, `${header}.${encode(claims(n))}`)),
  }
}

function claims(n: number): unknown {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: issuer,
    aud: audience,
    sub: 'f3b5c0de-7a52-4b1e-9f0a-1c2d3e4f5a6b',
    preferred_username: 'alice@example.com',
    groups: ['team-a-developers', 'staff', 'oncall', 'berlin', 'readers-of-everything'],
    client_id: 'sre-agent',
    scope: 'openid profile mcp:tools',
    act: { sub: 'sre-agent' },
    jti: `bench-${n}`,
    iat: now,
    exp: now + 3600,
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function signed(key: KeyObject, input: string): string {
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}
