import { createHash, randomBytes } from 'node:crypto'
import { Agent, fetch, Headers, type RequestInit, type Response } from 'undici'
import * as z from 'zod'

const MAX_STEPS = 12
const TokenResponse = z.object({ access_token: z.string() })

export interface ProviderPlace {
  readonly issuer: string
  /** PEM: what to know its certificate by, if not by what everybody trusts. */
  readonly ca?: string
}

export interface LoginRequest extends ProviderPlace {
  readonly clientId: string
  readonly clientSecret?: string | undefined
  /** Registered for the client. Nobody listens there: the flow ends when the provider redirects to it. */
  readonly redirectUri: string
  /** RFC 8707 resource indicator. */
  readonly resource: string
  readonly scope: string
  readonly username: string
  readonly password: string
}

/**
 * Signs a person in like a browser would: authorization code flow with PKCE (RFC 6749 section 4.1, RFC 7636), following
 * redirects, keeping cookies, filling in the login form. Returns the access token; throws with the provider's words.
 */
export async function authorizationCodeLogin(request: LoginRequest): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    resource: request.resource,
    scope: request.scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const answer = await browse(`${request.issuer}/auth?${query}`, request)
  if (answer.get('state') !== state) throw new Error('the provider answered with another state')
  const code = answer.get('code')
  if (code === null) throw new Error(`login failed: ${answer.get('error')}: ${answer.get('error_description')}`)
  return requestToken(request, request.clientId, request.clientSecret, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: request.redirectUri,
    resource: request.resource,
  })
}

/** One request to the token endpoint; client_secret_basic with a secret, else a public client (RFC 6749 section 2.3.1). */
export async function requestToken(
  place: ProviderPlace,
  clientId: string,
  clientSecret: string | undefined,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const body = new URLSearchParams(parameters)
  const headers = new Headers()
  if (clientSecret === undefined) body.set('client_id', clientId)
  else {
    const userinfo = [clientId, clientSecret].map(encodeURIComponent).join(':')
    headers.set('authorization', `Basic ${Buffer.from(userinfo).toString('base64')}`)
  }
  const response = await ask(place, `${place.issuer}/token`, { method: 'POST', headers, body })
  if (!response.ok) throw new Error(`the token endpoint answered ${response.status}: ${await response.text()}`)
  return TokenResponse.parse(await response.json()).access_token
}

/** Follows redirects until one leads to the client's redirect URI; returns the parameters of that URI. */
async function browse(
  start: string,
  { issuer, ca, redirectUri, username, password }: LoginRequest,
): Promise<URLSearchParams> {
  const place = { issuer, ...(ca === undefined ? {} : { ca }) }
  const cookies = new Map<string, string>()
  let url = start
  let form: URLSearchParams | undefined
  for (let step = 0; step < MAX_STEPS; step++) {
    const response = await ask(place, url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    for (const cookie of response.headers.getSetCookie()) keepCookie(cookies, cookie)
    const text = await response.text()
    const location = response.headers.get('location')
    if (location !== null) {
      const target = new URL(location, url)
      if (`${target.origin}${target.pathname}` === redirectUri) return target.searchParams
      if (target.origin !== new URL(issuer).origin) throw new Error(`login left the provider for ${target.origin}`)
      url = target.href
      form = undefined
    } else if (response.ok && form === undefined && text.includes('name="password"')) {
      form = new URLSearchParams({ username, password })
    } else {
      throw new Error(`login failed: the provider answered ${response.status}: ${plainText(text)}`)
    }
  }
  throw new Error('login failed: too many redirects')
}

async function ask({ ca }: ProviderPlace, url: string, init: RequestInit): Promise<Response> {
  return fetch(
    url,
    ca === undefined ? init : { ...init, dispatcher: new Agent({ connect: { ca }, keepAliveTimeout: 1 }) },
  )
}

/** Name and value are enough: all requests go to one origin, and the flow ends before any cookie is too old. */
function keepCookie(cookies: Map<string, string>, header: string): void {
  const [pair = ''] = header.split(';', 1)
  const at = pair.indexOf('=')
  const value = pair.slice(at + 1)
  if (value === '') cookies.delete(pair.slice(0, at))
  else cookies.set(pair.slice(0, at), value)
}

function plainText(html: string): string {
  return html
    .replace(/<[^<>]{0,500}>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
}
