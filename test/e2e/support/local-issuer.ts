import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const URL = 'https://idp.example.com'
const LIFETIME_SECONDS = 600

export interface LocalIssuer {
  /** The documents that make mcp-authz trust it. */
  readonly policies: string
  /** An access token with these claims; `sub` and `preferred_username` are alice unless said otherwise. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>
  stop(): Promise<void>
}

/** An issuer that is one key and one file: for claims that no provider would give out, such as thousands of groups. */
export async function createLocalIssuer({ audience }: { readonly audience: string }): Promise<LocalIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-issuer-'))
  const file = join(directory, 'jwks.json')
  const key = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
  await writeFile(file, JSON.stringify({ keys: [key] }))
  return {
    policies: `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: "${URL}", audiences: ["${audience}"] }
  claimMappings:
    username: { claim: preferred_username, prefix: "" }
    groups: { claim: groups, prefix: "" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec:
  issuers: { "${URL}": { alias: local, jwksFile: "${file}" } }
  clients: { console: direct }
  tenant: "has(claims.tenant) ? claims.tenant : ''"
`,
    token: (claims = {}) =>
      new SignJWT({ sub: 'alice', preferred_username: 'alice', groups: ['staff'], client_id: 'console', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
        .setIssuer(URL)
        .setAudience(audience)
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime(`${LIFETIME_SECONDS}s`)
        .sign(privateKey),
    stop: () => rm(directory, { recursive: true, force: true }),
  }
}
