import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createDecide } from '../../../src/decision/create-decide.js'
import type { Decide } from '../../../src/decision/decision.js'
import { createCheckHandler } from '../../../src/doors/ext-authz/check-handler.js'
import { AuthenticatorSource } from '../../../src/identity/authenticator-source.js'
import { PolicyStore } from '../../../src/policy/policy-store.js'
import type { PolicySnapshot } from '../../../src/policy/snapshot.js'
import type { GatewayProfile, ListenerTrust } from '../../../src/protocol/inbound-request.js'
import { catalogs, errorsOf, memorySource } from '../../support/policies.js'
import type { CasePlace } from './case-request.js'
import { corpusPolicies } from './corpus-policies.js'

export interface CorpusCheck {
  readonly place: CasePlace
  readonly snapshot: PolicySnapshot
  readonly decide: Decide
  /** Bytes of a CheckRequest in, bytes of a CheckResponse out: all of mcp-authz but its sockets. */
  check(request: Buffer): Promise<Uint8Array>
  stop(): void
}

const issuer = 'https://idp.example.com'

/** The corpus' policies in force, with an issuer in memory and its token for a person. */
export async function startCorpusCheck({
  profile = 'envoy',
  trust = 'none',
  more = {},
}: {
  readonly profile?: GatewayProfile
  readonly trust?: ListenerTrust
  /** Documents beside those of the corpus, by file name. */
  readonly more?: Readonly<Record<string, string>>
} = {}): Promise<CorpusCheck> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }]
  const identities = new AuthenticatorSource({
    now: Date.now,
    fetcher: async ({ url }) => {
      const discovery = url.endsWith('/.well-known/openid-configuration')
      const answer = discovery ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys }
      return { ok: true, bytes: Buffer.from(JSON.stringify(answer)) }
    },
  })
  const store = new PolicyStore({
    sources: [catalogs, memorySource({ ...corpusPolicies(), ...more })],
    brokenPolicies: 'refuse',
    compile: { insecureLoopbackIssuers: false },
    assemble: { clusters: ['local'], authenticator: (found, identity) => identities.for(found, identity) },
  })
  const report = store.load()
  const snapshot = store.current
  if (!report.inForce || snapshot === undefined) throw new Error(errorsOf(report.findings).join('\n'))
  await identities.started()
  const token = await new SignJWT({ sub: 'alice', preferred_username: 'alice', groups: ['staff'], client_id: 'corpus' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience('https://mcp.example.com/mcp')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  const bugs: unknown[] = []
  const decide = createDecide({ snapshot: () => snapshot, onBug: error => bugs.push(error) })
  const check = createCheckHandler({
    decide,
    listener: { name: 'corpus', door: 'ext-authz', profile, trust },
    onError: () => undefined,
  })
  return {
    place: { authority: 'mcp.example.com', token },
    snapshot,
    decide,
    async check(request) {
      const answer = await check(request, {
        ...{ deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined },
      })
      if (bugs.length > 0) throw bugs[0]
      return answer
    },
    stop: () => identities.stop(),
  }
}
