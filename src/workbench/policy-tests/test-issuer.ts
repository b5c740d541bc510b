import { CompactSign, exportJWK, generateKeyPair } from 'jose'
import type { AuthenticationConfiguration } from '../../identity/authentication-configuration.js'
import type { AcceptedAudience, Authenticator } from '../../identity/authenticator.js'
import type { Compilation } from '../../identity/compilation.js'
import { createAuthenticator } from '../../identity/create-authenticator.js'
import { combineIdentity, type IdentityConfiguration } from '../../identity/identity-configuration.js'
import type { IdentityDocument } from '../../identity/identity-document.js'
import { KeyRing } from '../../identity/key-ring.js'
import { TokenVerifier } from '../../identity/token-verifier.js'
import type { TokenSpec } from './policy-test-schema.js'

/** Stands in for the issuers of the policies: their documents count as they are, but the keys are the test's own. */
export interface TestIssuer {
  /** As a policy store asks for it. */
  authenticator(
    configurations: readonly AuthenticationConfiguration[],
    identity: IdentityDocument | undefined,
  ): Compilation<Authenticator>
  /**
   * A signed token with these claims for a Server. What is left out is as it should be: `iss` where there is one issuer only,
   * `aud`, `iat`, and `exp` five minutes later.
   */
  sign(spec: TokenSpec, accepted: AcceptedAudience): Promise<string>
  /** Resolves when tokens can be verified. */
  ready(): Promise<void>
  stop(): void
}

const algorithm = 'ES256'
/** Seconds. */
const lifetime = 300

/**
 * Tokens of tests are signed with a key that lives as long as the run, and verified, checked and mapped by the code of the
 * service: nothing is fetched, and no key of a real issuer is looked at. `now`: milliseconds since the epoch.
 */
export async function createTestIssuer(now: () => number): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm)
  const keySet = Buffer.from(
    JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: algorithm, use: 'sig' }] }),
  )
  const keyRing = new KeyRing({
    now,
    fetcher: () => Promise.resolve({ ok: true, bytes: keySet }),
    // The time of tests goes back and forth.
    timings: { maxAge: Number.POSITIVE_INFINITY },
  })
  const verifier = new TokenVerifier({ now })
  const made: Authenticator[] = []
  let started: Promise<void> = Promise.resolve()
  return {
    authenticator(configurations, identity) {
      const { value, findings } = combineIdentity(configurations, identity)
      if (value === undefined) return { value, findings }
      const authenticator = createAuthenticator({ configuration: withOwnKeys(value), keyRing, verifier, now })
      started = authenticator.start()
      made.push(authenticator)
      return { value: authenticator, findings }
    },
    sign({ claims, typ = 'at+jwt' }, accepted) {
      const issuers = made.at(-1)?.issuers ?? []
      const seconds = Math.floor(now() / 1000)
      const issuer = claims.iss ?? (issuers.length === 1 ? issuers[0]?.url : undefined)
      const known = issuers.find(({ url }) => url === issuer)
      const aud = known?.audiences.find(one => accepted.audiences.includes(one)) ?? accepted.audiences[0]
      const filled = {
        ...(issuer !== undefined && { iss: issuer }),
        aud,
        iat: seconds,
        exp: seconds + lifetime,
        ...claims,
      }
      return new CompactSign(Buffer.from(JSON.stringify(filled)))
        .setProtectedHeader({ alg: algorithm, typ })
        .sign(privateKey)
    },
    ready: () => started,
    stop: () => {
      for (const one of made) one.stop()
    },
  }
}

function withOwnKeys(configuration: IdentityConfiguration): IdentityConfiguration {
  const issuers = [...configuration.issuers].map(([url, issuer]) => {
    const from = { kind: 'jwksUri', url: 'https://keys.invalid/' } as const
    return [url, { ...issuer, keys: { issuer: url, from, certificateAuthority: undefined, revision: url } }] as const
  })
  return { ...configuration, issuers: new Map(issuers) }
}
