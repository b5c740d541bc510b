import { Agent, request } from 'undici'
import { isJsonArray, isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { type ClientIdentity, clientCredentials } from './client-authentication.js'

/** What is asked for, as the operator wrote it; the same for every caller of a Server. */
export interface ExchangeParameters {
  /** The server that the token is for; what a JWT in the answer must name in `aud`. */
  readonly audience: string
  /** RFC 8693 `audience`, as often as it is sent. */
  readonly audiences: readonly string[]
  /** RFC 8707 `resource`. */
  readonly resource: string | undefined
  readonly scopes: readonly string[]
}

export type TokenAnswer =
  | {
      readonly ok: true
      readonly token: string
      /** Milliseconds since the epoch; undefined when nobody said. */
      readonly expiresAt: number | undefined
    }
  /** refused: the provider does not want to, for this token. failed: it could not be asked, or its answer is no use. */
  | { readonly ok: false; readonly kind: 'refused' | 'failed'; readonly message: string }

export interface TokenEndpointOptions extends ClientIdentity {
  /** PEM; replaces the system's roots. */
  readonly certificateAuthority: string | undefined
  /** Milliseconds for everything: connection, headers, body. */
  readonly timeout: number
  /** Connections at the same time. */
  readonly connections: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface TokenEndpoint {
  /** Exchanges one token (RFC 8693). Never rejects; messages hold no token and no secret. */
  exchange(token: string, parameters: ExchangeParameters): Promise<TokenAnswer>
  close(): Promise<void>
}

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const jwt = 'urn:ietf:params:oauth:token-type:jwt'
const maxAnswer = 64 * 1024
/** Bytes of a token; with our other headers it must fit into one answer to the gateway. */
export const maxExchangedToken = 12 * 1024

/** The errors by which a provider says no to this caller; all others are about us or about itself. */
const refusals: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_grant',
  'invalid_target',
  'invalid_scope',
  'access_denied',
  'interaction_required',
  'consent_required',
  'insufficient_scope',
])

/** A token endpoint of an identity provider, on kept connections. Redirects are not followed. */
export function createTokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  const { tokenEndpoint, certificateAuthority: ca, timeout, connections, now } = options
  const dispatcher = new Agent({
    connections,
    pipelining: 1,
    connect: { timeout, ...(ca !== undefined && { ca }) },
    headersTimeout: timeout,
    bodyTimeout: timeout,
  })
  return {
    async exchange(token, parameters) {
      const credentials = await clientCredentials(options, now())
      if (!credentials.ok) return failed(credentials.message)
      const form = new URLSearchParams([
        ['grant_type', tokenExchange],
        ['subject_token', token],
        ['subject_token_type', accessToken],
        ['requested_token_type', accessToken],
        ...parametersOf(parameters),
        ...credentials.parameters.map(([name, value]): [string, string] => [name, value]),
      ])
      try {
        const response = await request(tokenEndpoint, {
          dispatcher,
          method: 'POST',
          signal: AbortSignal.timeout(timeout),
          headers: {
            ...credentials.headers,
            accept: 'application/json',
            'content-type': 'application/x-www-form-urlencoded',
          },
          body: form.toString(),
        })
        const bytes = await readAll(response.body)
        if (bytes === undefined) return failed(`answered with more than ${maxAnswer} bytes`)
        return readAnswer(response.statusCode, bytes, parameters, now())
      } catch (error) {
        return failed(describe(error, timeout))
      }
    },
    close: () => dispatcher.destroy(),
  }
}

function parametersOf({ audiences, resource, scopes }: ExchangeParameters): [string, string][] {
  const parameters = audiences.map((audience): [string, string] => ['audience', audience])
  if (resource !== undefined) parameters.push(['resource', resource])
  if (scopes.length > 0) parameters.push(['scope', scopes.join(' ')])
  return parameters
}

async function readAll(body: AsyncIterable<unknown>): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) return undefined
    size += chunk.length
    if (size > maxAnswer) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Reads what a token endpoint answered (RFC 8693, section 2.2). Exported for its table of tests. */
export function readAnswer(
  status: number,
  bytes: Uint8Array,
  { audience }: ExchangeParameters,
  now: number,
): TokenAnswer {
  const parsed = parseStrictJson(bytes, { maxBytes: maxAnswer, maxDepth: 16 })
  const answer = parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined
  if (status !== 200) {
    const error = answer?.get('error')
    const known = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : undefined
    const message = `answered ${status}${known === undefined ? '' : ` ${known}`}`
    const refused = (status === 400 || status === 403) && known !== undefined && refusals.has(known)
    return { ok: false, kind: refused ? 'refused' : 'failed', message }
  }
  if (answer === undefined) return failed('answered with something that is not a JSON object')
  const token = answer.get('access_token')
  if (typeof token !== 'string' || token.length > maxExchangedToken || !/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    return failed(`answered without an access token of at most ${maxExchangedToken} bytes`)
  const type = answer.get('token_type')
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    return failed('answered with a token that is not a bearer token')
  const issued = answer.get('issued_token_type')
  if (issued !== undefined && issued !== accessToken && issued !== jwt)
    return failed('answered with a token that is not an access token')
  const claims = claimsOf(token)
  if (claims !== undefined && !names(claims, audience))
    return failed('answered with a token that does not name the audience of the server behind')
  const ends = [secondsOf(answer.get('expires_in'), now), secondsOf(claims?.get('exp'), 0)]
  const known = ends.filter(end => end !== undefined)
  return { ok: true, token, expiresAt: known.length === 0 ? undefined : Math.min(...known) }
}

/** The claims of a token in JWT form, not verified: it came from the provider itself. undefined for any other token. */
function claimsOf(token: string): JsonObject | undefined {
  const [, payload, signature, more] = token.split('.')
  if (payload === undefined || signature === undefined || more !== undefined) return undefined
  const parsed = parseStrictJson(Buffer.from(payload, 'base64url'))
  return parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined
}

function names(claims: JsonObject, audience: string): boolean {
  const aud = claims.get('aud')
  return aud === audience || (isJsonArray(aud) && aud.includes(audience))
}

function secondsOf(value: unknown, from: number): number | undefined {
  const seconds = typeof value === 'bigint' ? Number(value) : value
  return typeof seconds === 'number' && seconds >= 0 && seconds < 1e11 ? from + seconds * 1000 : undefined
}

function failed(message: string): TokenAnswer {
  return { ok: false, kind: 'failed', message }
}

function describe(error: unknown, timeout: number): string {
  if (!(error instanceof Error)) return 'cannot be asked'
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `gave no complete answer within ${timeout} ms`
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return `cannot be asked: ${code}`
}
