import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { z } from 'zod'
import { type Credentials, signIn } from '../support/sign-in.js'
import { agentSecret } from './realm.js'

export const redirectUri = 'http://127.0.0.1/callback'

const Tokens = z.object({
  access_token: z.string(),
  token_type: z.string(),
  id_token: z.string().optional(),
  refresh_token: z.string().optional(),
  issued_token_type: z.string().optional(),
})
export type Tokens = z.infer<typeof Tokens>

/** What a Keycloak realm is asked for, by its own protocol. */
export function keycloakTokens(issuer: string) {
  const endpoint = `${issuer}/protocol/openid-connect/token`
  const ask = async (parameters: Record<string, string>, headers: Record<string, string> = {}): Promise<Tokens> => {
    const response = await fetch(endpoint, { method: 'POST', headers, body: new URLSearchParams(parameters) })
    if (!response.ok) throw new Error(`the token endpoint answered ${response.status}: ${await response.text()}`)
    return Tokens.parse(await response.json())
  }
  const confidential = (clientId: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${clientId}:${agentSecret}`).toString('base64')}`,
  })
  return {
    /** Authorization code flow with PKCE, through Keycloak's own login page. */
    async login(person: Credentials, scope: string): Promise<Tokens> {
      const verifier = randomBytes(32).toString('base64url')
      const query = new URLSearchParams({
        ...{ response_type: 'code', client_id: 'mcp-cli', redirect_uri: redirectUri, scope, state: 'state' },
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      })
      const answer = await signIn(`${issuer}/protocol/openid-connect/auth?${query}`, redirectUri, person)
      if (answer.get('iss') !== issuer) throw new Error('the answer is of another issuer (RFC 9207)')
      return ask({
        ...{
          grant_type: 'authorization_code',
          client_id: 'mcp-cli',
          redirect_uri: redirectUri,
          code_verifier: verifier,
        },
        code: answer.get('code') ?? '',
      })
    },
    clientCredentials(clientId: string, scope?: string): Promise<Tokens> {
      return ask({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }, confidential(clientId))
    },
    /** Client credentials with a DPoP proof (RFC 9449), and what proves the key that the token is bound to. */
    async boundClientCredentials(clientId: string, scope: string) {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
      const jwk = await exportJWK(publicKey)
      const prove = (htm: string, htu: string, claims: Record<string, string> = {}): Promise<string> =>
        new SignJWT({ htm, htu, jti: crypto.randomUUID(), ...claims })
          .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
          .setIssuedAt()
          .sign(privateKey)
      const headers = { ...confidential(clientId), dpop: await prove('POST', endpoint) }
      const tokens = await ask({ grant_type: 'client_credentials', scope }, headers)
      const ath = createHash('sha256').update(tokens.access_token).digest('base64url')
      return { ...tokens, proofFor: (url: string): Promise<string> => prove('POST', url, { ath }) }
    },
    /** RFC 8693, by the client `agent`. */
    exchange(subjectToken: string, scope: string): Promise<Tokens> {
      const parameters = {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope,
      }
      return ask(parameters, confidential('agent'))
    },
  }
}
