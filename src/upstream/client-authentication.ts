import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { readSigningKey } from './signing-key.js'

/** How we show a token endpoint who we are (RFC 6749, section 2.3.1; RFC 7523). Secrets stay in their files. */
export type ClientAuthentication =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secretFile: string }
  | { readonly method: 'private_key_jwt'; readonly keyFile: string }
  | { readonly method: 'none' }

export type ClientCredentials =
  | {
      readonly ok: true
      readonly headers: Readonly<Record<string, string>>
      readonly parameters: readonly (readonly [string, string])[]
    }
  | { readonly ok: false; readonly message: string }

export interface ClientIdentity {
  readonly clientId: string
  readonly authentication: ClientAuthentication
  readonly tokenEndpoint: string
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const assertionSeconds = 60

/**
 * What authenticates one request to a token endpoint. The file is read each time, so that an exchanged secret is used at
 * once: a request over the network follows anyway. Never rejects; messages hold nothing of a secret.
 *
 * @param now milliseconds since the epoch
 */
export async function clientCredentials(client: ClientIdentity, now: number): Promise<ClientCredentials> {
  const { clientId, authentication, tokenEndpoint } = client
  switch (authentication.method) {
    case 'none':
      return { ok: true, headers: {}, parameters: [['client_id', clientId]] }
    case 'client_secret_basic':
    case 'client_secret_post': {
      const secret = await readSecret(authentication.secretFile)
      if (!secret.ok) return secret
      if (authentication.method === 'client_secret_post')
        return {
          ok: true,
          headers: {},
          parameters: [
            ['client_id', clientId],
            ['client_secret', secret.text],
          ],
        }
      const pair = `${formEncode(clientId)}:${formEncode(secret.text)}`
      return { ok: true, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, parameters: [] }
    }
    case 'private_key_jwt': {
      const pem = await readSecret(authentication.keyFile)
      if (!pem.ok) return pem
      const read = readSigningKey(pem.text, 'clientAssertion')
      if (!read.ok) return { ok: false, message: `${authentication.keyFile} ${read.message}` }
      const iat = Math.floor(now / 1000)
      const claims = {
        iss: clientId,
        sub: clientId,
        aud: tokenEndpoint,
        jti: randomUUID(),
        iat,
        exp: iat + assertionSeconds,
      }
      return {
        ok: true,
        headers: {},
        parameters: [
          ['client_id', clientId],
          ['client_assertion_type', assertionType],
          ['client_assertion', read.key.sign('JWT', JSON.stringify(claims))],
        ],
      }
    }
  }
}

type Secret = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string }

async function readSecret(file: string): Promise<Secret> {
  try {
    const text = (await readFile(file, 'utf8')).trim()
    return text === '' ? { ok: false, message: `${file} is empty` } : { ok: true, text }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { ok: false, message: `${file} cannot be read: ${code}` }
  }
}

/** application/x-www-form-urlencoded, which RFC 6749 wants of both parts of the Basic credentials. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
