import {
  Client as ClientV2,
  type OAuthClientProvider as ProviderV2,
  ClientCredentialsProvider as SecretV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client'
import {
  type OAuthClientProvider as ProviderV1,
  UnauthorizedError as UnauthorizedV1,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { ClientCredentialsProvider as SecretV1 } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { z } from 'zod'
import { type Credentials, signIn } from '../../support/sign-in.js'

/** As whom a client logs in, and what it is told about that beforehand. */
export type Login =
  /**
   * Client credentials: the client knows its own secret, and the issuer that it belongs to. `scope` is what it was set up
   * to ask for; SDK v1 asks for nothing else, whatever a challenge says, and the others for what the challenge says.
   */
  | {
      readonly way: 'secret'
      readonly clientId: string
      readonly clientSecret: string
      readonly issuer: string
      readonly scope?: string
    }
  /** Authorization code with PKCE: a person signs in. Without `clientId` the client registers itself (RFC 7591). */
  | { readonly way: 'person'; readonly person: Credentials; readonly clientId?: string }

export interface Session {
  readonly url: string
  readonly login: Login
  /** A token from before, and what it was issued for. */
  readonly token?: { readonly value: string; readonly scope: string }
  readonly calls: readonly { readonly name: string; readonly arguments?: Readonly<Record<string, unknown>> }[]
}

export interface SessionReport {
  /** One per call: `ok`, `toolError: <text>` or `error: <text>`. When there was no connection: one `error`. */
  readonly calls: readonly string[]
  /** Every HTTP exchange of the client, e.g. `POST /mcp 401`. */
  readonly traffic: readonly string[]
  /** The token that the client had in the end. */
  readonly token: string
}

/** A client of the name's SDK, as it is published: all that it knows of the way to log in it learns from answers. */
export type LoginClient = (session: Session) => Promise<SessionReport>

export const redirectUri = 'http://127.0.0.1/callback'
const info = { name: 'login', version: '1' }

/** What a program that uses an SDK has to bring along: a memory, and somebody who opens the browser. */
function interactiveProvider<Information extends object, Tokens extends object>(
  clientId: string | undefined,
  tokens: Tokens | undefined,
  asInformation: (clientId: string) => Information,
) {
  let information = clientId === undefined ? undefined : asInformation(clientId)
  let kept = tokens
  let verifier = ''
  const provider = {
    asked: undefined as URL | undefined,
    redirectUrl: redirectUri,
    clientMetadata: {
      client_name: 'login',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'state',
    clientInformation: () => information,
    saveClientInformation: (saved: Information) => {
      information = saved
    },
    tokens: () => kept,
    saveTokens: (saved: Tokens) => {
      kept = saved
    },
    redirectToAuthorization: (url: URL) => {
      provider.asked = url
    },
    saveCodeVerifier: (saved: string) => {
      verifier = saved
    },
    codeVerifier: () => verifier,
  }
  return provider
}

/** Signs in when the provider was told to open a browser; returns what the browser brought back. */
async function signInAt(provider: { asked: URL | undefined }, { login }: Session): Promise<URLSearchParams> {
  const { asked } = provider
  if (asked === undefined || login.way !== 'person') throw new Error('nobody was asked to sign in')
  provider.asked = undefined
  return signIn(asked, redirectUri, login.person)
}

function recordingFetch(traffic: string[]): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const url = new URL(input instanceof Request ? input.url : input)
    traffic.push(`${init?.method ?? 'GET'} ${url.pathname} ${response.status}`)
    return response
  }
}

const ToolResult = z.object({ isError: z.boolean().optional(), content: z.unknown() })

function describeResult(result: unknown): string {
  const { isError, content } = ToolResult.parse(result)
  return isError === true ? `toolError: ${JSON.stringify(content)}` : 'ok'
}

const describeError = (error: unknown): string => `error: ${error instanceof Error ? error.message : String(error)}`

interface Steps {
  connect(): Promise<void>
  call(name: string, args: Record<string, unknown>): Promise<unknown>
  close(): Promise<void>
}

/** `attempt` runs a step, and once more after a login if it needs one. */
async function take(
  { calls }: Session,
  steps: Steps,
  attempt: <T>(step: () => Promise<T>) => Promise<T>,
): Promise<readonly string[]> {
  const outcomes: string[] = []
  try {
    await attempt(() => steps.connect())
    for (const { name, arguments: args = {} } of calls)
      outcomes.push(await attempt(() => steps.call(name, { ...args })).then(describeResult, describeError))
    await steps.close()
  } catch (error) {
    outcomes.push(describeError(error))
  }
  return outcomes
}

export const sdkV1: LoginClient = async session => {
  const traffic: string[] = []
  const { login } = session
  const tokens = session.token && {
    access_token: session.token.value,
    token_type: 'Bearer',
    scope: session.token.scope,
  }
  const clientId = login.way === 'person' ? login.clientId : undefined
  const interactive = interactiveProvider(clientId, tokens, id => ({ client_id: id }))
  let provider: ProviderV1 = interactive
  if (login.way === 'secret') {
    const { clientId, clientSecret, issuer, scope } = login
    const secret = new SecretV1({ clientId, clientSecret, expectedIssuer: issuer, ...(scope && { scope }) })
    if (tokens !== undefined) secret.saveTokens(tokens)
    provider = secret
  }
  let transport: TransportV1
  let client: ClientV1
  const steps: Steps = {
    connect: () => {
      client = new ClientV1(info)
      transport = new TransportV1(new URL(session.url), { authProvider: provider, fetch: recordingFetch(traffic) })
      return client.connect(transport)
    },
    call: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  }
  const calls = await take(session, steps, async step => {
    try {
      return await step()
    } catch (error) {
      if (!(error instanceof UnauthorizedV1)) throw error
      await transport.finishAuth((await signInAt(interactive, session)).get('code') ?? '')
      return step()
    }
  })
  return { calls, traffic, token: (await provider.tokens())?.access_token ?? '' }
}

export const sdkV2 =
  (mode: 'legacy' | 'auto'): LoginClient =>
  async session => {
    const traffic: string[] = []
    const { login } = session
    const tokens = session.token && {
      access_token: session.token.value,
      token_type: 'Bearer',
      scope: session.token.scope,
    }
    const clientId = login.way === 'person' ? login.clientId : undefined
    const interactive = interactiveProvider(clientId, tokens, id => ({ client_id: id }))
    let provider: ProviderV2 = interactive
    if (login.way === 'secret') {
      const { clientId, clientSecret, issuer } = login
      const secret = new SecretV2({ clientId, clientSecret, expectedIssuer: issuer })
      if (tokens !== undefined) secret.saveTokens(tokens)
      provider = secret
    }
    let transport: TransportV2
    let client: ClientV2
    const steps: Steps = {
      connect: () => {
        client = new ClientV2(info, { versionNegotiation: { mode } })
        transport = new TransportV2(new URL(session.url), { authProvider: provider, fetch: recordingFetch(traffic) })
        return client.connect(transport)
      },
      call: (name, args) => client.callTool({ name, arguments: args }),
      close: () => client.close(),
    }
    const calls = await take(session, steps, async step => {
      try {
        return await step()
      } catch (error) {
        if (!(error instanceof UnauthorizedV2)) throw error
        await transport.finishAuth(await signInAt(interactive, session))
        return step()
      }
    })
    return { calls, traffic, token: (await provider.tokens())?.access_token ?? '' }
  }
