import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { join } from 'node:path'
import { packageRoot } from '../../../src/package-root.js'
import type { InboundRequest } from '../../../src/protocol/inbound-request.js'
import { scaleRequest } from '../check-requests.js'
import { audience, issuer, writePolicies } from '../policies.js'
import { loadProgram } from '../program-parts.js'
import type { Code } from '../server-process.js'
import { type CostsOptions, costsOf, round3 } from './costs-of.js'
import type { EntryCost } from './measure-entries.js'
import { usedBytes } from './measure-memory.js'
import { Reference } from './reference.js'

/** Microseconds of processor time. */
export interface IdentityCosts {
  /** A token that was verified before. */
  readonly known: number
  /** What the first sight of a token costs more than that, by the algorithm of its signature; fifty at a time. */
  readonly es256: number
  readonly rs256: number
  /** A session id tagged for its caller, and the tag checked when it comes back. */
  readonly tagSession: number
  readonly checkSession: number
}

type Algorithm = 'ES256' | 'RS256'

const listener: InboundRequest['listener'] = { name: 'bench', door: 'ext-authz', profile: 'envoy', trust: 'none' }
const atOnce = 50

export async function measureIdentity(code: Code, options: CostsOptions): Promise<IdentityCosts> {
  const { known, es256, rs256 } = await measureTokens(code, options)
  const parts = await loadProgram(code)
  const keys = new parts.sessionTag.SessionKeys([{ id: 'bench', secret: randomBytes(32) }])
  const binding = { server: 'kubernetes', issuer, subject: 'f3b5c0de-7a52-4b1e-9f0a-1c2d3e4f5a6b', agent: 'bench:sre' }
  const id = 'c1b1f8f2-6d3c-4f0e-8a55-0f6ad7f0a9b3'
  const tagged = parts.sessionTag.tagSession(id, binding, keys)
  if (!tagged.ok) throw new Error('the session cannot be tagged')
  const sessions = await costsOf(
    {
      tagSession: () => void parts.sessionTag.tagSession(id, binding, keys),
      checkSession: () => {
        if (!parts.sessionTag.untagSession(tagged.value, binding, keys).ok) throw new Error('a foreign session')
      },
    },
    options,
  )
  return { known, es256, rs256, ...sessions }
}

async function measureTokens(
  code: Code,
  { rounds }: CostsOptions,
): Promise<Pick<IdentityCosts, 'known' | 'es256' | 'rs256'>> {
  const identity = await openIdentity(code)
  try {
    const reference = new Reference()
    const fastest = {
      known: Number.POSITIVE_INFINITY,
      ES256: Number.POSITIVE_INFINITY,
      RS256: Number.POSITIVE_INFINITY,
    }
    // The first rounds are for the compiler.
    for (let round = -3; round < rounds; round++)
      for (const algorithm of ['ES256', 'RS256'] as const) {
        const tokens = Array.from({ length: 4 * atOnce }, () => identity.mint(algorithm))
        const [first, again] = [tokens.map(identity.read), tokens.map(identity.read)]
        const cold = await microsPer(first, identity.authenticate)
        const warm = await microsPer(again, identity.authenticate)
        if (round < 0) continue
        reference.measure()
        fastest[algorithm] = Math.min(fastest[algorithm], cold)
        fastest.known = Math.min(fastest.known, warm)
      }
    const beyond = (micros: number) => round3((micros - fastest.known) / reference.slowness)
    const known = round3(fastest.known / reference.slowness)
    return { known, es256: beyond(fastest.ES256), rs256: beyond(fastest.RS256) }
  } finally {
    identity.close()
  }
}

/** What a known token takes; to be measured in a process of its own. */
export async function measureTokenEntries(code: Code, count: number): Promise<EntryCost> {
  const identity = await openIdentity(code)
  try {
    await identity.authenticate([identity.read(identity.mint('ES256'))])
    const before = usedBytes()
    for (let at = 0; at < count; at += atOnce)
      await identity.authenticate(Array.from({ length: atOnce }, () => identity.read(identity.mint('ES256'))))
    return { count, bytesEach: round3((usedBytes() - before) / count) }
  } finally {
    identity.close()
  }
}

interface OpenIdentity {
  /** A token of another person each time. */
  mint(algorithm: Algorithm): string
  read(token: string): InboundRequest
  authenticate(requests: readonly InboundRequest[]): Promise<void>
  close(): void
}

async function openIdentity(code: Code): Promise<OpenIdentity> {
  const parts = await loadProgram(code)
  const signers = { ES256: signerOf('ES256'), RS256: signerOf('RS256') }
  const policies = writePolicies({ keys: [signers.ES256.jwk, signers.RS256.jwk] })
  const identities = new parts.authenticators.AuthenticatorSource({ now: Date.now })
  const { createDirectorySource } = parts.directorySource
  const catalogs = join(packageRoot, 'policies', 'catalogs')
  const store = new parts.policyStore.PolicyStore({
    sources: [
      createDirectorySource({ directory: catalogs, kinds: ['ToolCatalog'], trust: 0 }),
      createDirectorySource({ directory: policies.directory }),
    ],
    compile: {},
    assemble: { clusters: ['local'], authenticator: (documents, identity) => identities.for(documents, identity) },
  })
  store.load()
  await identities.started()
  const server = store.current?.servers.byName('kubernetes')
  if (store.current === undefined || server === undefined) throw new Error('the policies do not compile')
  const { authenticator } = store.current
  let serial = 0
  return {
    mint: algorithm => signers[algorithm].mint(serial++),
    read(token) {
      const found = parts.checkRequest.readCheckRequest(scaleRequest(token, 3), listener, undefined)
      if (!found.ok) throw new Error(found.detail)
      return found.request
    },
    async authenticate(requests) {
      const all = await Promise.all(requests.map(request => authenticator.authenticate(request, server.audience)))
      for (const one of all) if (!one.ok) throw new Error(one.message)
    },
    close() {
      identities.stop()
      policies.remove()
    },
  }
}

async function microsPer(
  requests: readonly InboundRequest[],
  run: (some: readonly InboundRequest[]) => Promise<void>,
): Promise<number> {
  const before = process.cpuUsage()
  for (let at = 0; at < requests.length; at += atOnce) await run(requests.slice(at, at + atOnce))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests.length
}

interface Signer {
  readonly jwk: object
  readonly mint: (serial: number) => string
}

function signerOf(algorithm: Algorithm): Signer {
  const { privateKey, publicKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = algorithm.toLowerCase()
  const header = encode({ alg: algorithm, kid, typ: 'at+jwt' })
  const mint = (serial: number) => {
    const input = `${header}.${encode(claimsOf(serial))}`
    return `${input}.${signatureOf(privateKey, input)}`
  }
  return { jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }, mint }
}

/** Of a person each: what is kept of one must not serve another. */
function claimsOf(serial: number): object {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: issuer,
    aud: audience,
    sub: `person-${serial}`,
    preferred_username: `person-${serial}@example.com`,
    groups: ['team-a-developers', 'staff', 'oncall', 'berlin', 'readers-of-everything'],
    client_id: 'sre-agent',
    scope: 'openid profile mcp:tools',
    act: { sub: 'sre-agent' },
    jti: `bench-${serial}`,
    iat: now,
    exp: now + 3600,
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function signatureOf(key: KeyObject, input: string): string {
  return sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}
