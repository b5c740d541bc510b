import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ClientAuthentication } from './client-authentication.js'
import { readSigningKey } from './signing-key.js'
import { createTokenEndpoint, type ExchangeParameters, maxExchangedToken, readAnswer } from './token-request.js'
import { pemKey } from './upstream.fixture.js'

const parameters: ExchangeParameters = {
  audience: 'k8s',
  audiences: ['k8s'],
  resource: undefined,
  scopes: [],
}
const now = 1_795_219_200_000
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
const answer = (changes: object) => ({ access_token: 'opaque', token_type: 'Bearer', expires_in: 60, ...changes })
const read = (status: number, body: unknown) =>
  readAnswer(status, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), parameters, now)

describe('readAnswer', () => {
  it.each([
    ['an opaque token', answer({}), now + 60_000],
    ['no expires_in', answer({ expires_in: undefined }), undefined],
    ['any case of the type', answer({ token_type: 'bearer' }), now + 60_000],
    ['a JWT for the server', answer({ access_token: jwt({ aud: 'k8s' }) }), now + 60_000],
    ['a JWT for several', answer({ access_token: jwt({ aud: ['x', 'k8s'] }) }), now + 60_000],
    ['a JWT that ends earlier', answer({ access_token: jwt({ aud: 'k8s', exp: now / 1000 + 5 }) }), now + 5000],
    [
      'a JWT that says it alone',
      answer({ access_token: jwt({ aud: 'k8s', exp: now / 1000 + 5 }), expires_in: undefined }),
      now + 5000,
    ],
    ['the type of a JWT', answer({ issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' }), now + 60_000],
  ])('takes %s', (_name, body, expiresAt) => expect(read(200, body)).toMatchObject({ ok: true, expiresAt }))

  it.each([
    ['nothing', 200, ''],
    ['HTML', 200, '<html>Sign in</html>'],
    ['a list', 200, '[]'],
    ['two tokens', 200, '{"access_token":"a","access_token":"b","token_type":"Bearer"}'],
    ['no token', 200, answer({ access_token: undefined })],
    ['an empty token', 200, answer({ access_token: '' })],
    ['a token with a line feed', 200, answer({ access_token: 'a\r\nx: y' })],
    ['a token with a space', 200, answer({ access_token: 'a b' })],
    ['a token that is too long', 200, answer({ access_token: 'a'.repeat(maxExchangedToken + 1) })],
    ['a number as token', 200, answer({ access_token: 1 })],
    ['no type', 200, answer({ token_type: undefined })],
    ['a bound token', 200, answer({ token_type: 'DPoP' })],
    ['what is no access token', 200, answer({ token_type: 'N_A' })],
    ['an ID token', 200, answer({ issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' })],
    ['a JWT for another server', 200, answer({ access_token: jwt({ aud: 'other' }) })],
    ['a JWT for nobody', 200, answer({ access_token: jwt({ sub: 'alice' }) })],
    ['a redirect', 302, ''],
    ['our client being refused', 401, { error: 'invalid_client' }],
    ['our client being refused with 400', 400, { error: 'unauthorized_client' }],
    ['the grant not being offered', 400, { error: 'unsupported_grant_type' }],
    ['an error of the provider', 500, { error: 'server_error' }],
    ['a refusal in a 500', 500, { error: 'invalid_grant' }],
    ['an error that is none', 400, { error: 'x'.repeat(100) }],
  ])('calls %s a failure', (_name, status, body) =>
    expect(read(status, body)).toMatchObject({ ok: false, kind: 'failed' }),
  )

  it.each(['invalid_grant', 'invalid_target', 'invalid_request', 'invalid_scope', 'access_denied'])(
    'calls %s a refusal',
    error =>
      expect(read(400, { error, error_description: 'token abc' })).toEqual({
        ok: false,
        kind: 'refused',
        message: `answered 400 ${error}`,
      }),
  )

  it('repeats nothing of the provider but its error code', () =>
    expect(read(400, { error: '<b>token</b>' })).toMatchObject({ message: 'answered 400' }))
})

let directory: string
let server: Server
let origin: string
let handle: (form: URLSearchParams, request: IncomingMessage, response: ServerResponse) => void
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-authz-exchange-'))
  writeFileSync(join(directory, 'secret'), 'p%ss:wörd +\n')
  server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => handle(new URLSearchParams(body), request, response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(directory, { recursive: true })
})

const closes: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})
function endpointOf(authentication: ClientAuthentication, timeout = 1000, tokenEndpoint = `${origin}/token`) {
  const made = createTokenEndpoint({
    tokenEndpoint,
    clientId: 'mcp authz',
    authentication,
    certificateAuthority: undefined,
    timeout,
    connections: 4,
    now: Date.now,
  })
  closes.push(() => made.close())
  return made
}

describe('createTokenEndpoint', () => {
  const good = JSON.stringify(answer({}))
  it('asks as RFC 8693 says', async () => {
    let asked = new URLSearchParams()
    let authorization: string | undefined
    handle = (form, request, response) => {
      asked = form
      authorization = request.headers.authorization
      response.end(good)
    }
    const endpoint = endpointOf({ method: 'client_secret_basic', secretFile: join(directory, 'secret') })
    const more = { ...parameters, audiences: ['a', 'b'], resource: 'https://r', scopes: ['x', 'y'] }
    expect(await endpoint.exchange('t0ken', more)).toMatchObject({ ok: true, token: 'opaque' })
    expect([...asked]).toEqual([
      ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      ['subject_token', 't0ken'],
      ['subject_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
      ['requested_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
      ['audience', 'a'],
      ['audience', 'b'],
      ['resource', 'https://r'],
      ['scope', 'x y'],
    ])
    // RFC 6749, section 2.3.1: both parts form-encoded before they are joined.
    expect(Buffer.from(authorization?.slice(6) ?? '', 'base64').toString()).toBe('mcp+authz:p%25ss%3Aw%C3%B6rd+%2B')
  })

  it('authenticates by a secret in the form', async () => {
    handle = (form, request, response) => {
      expect(request.headers.authorization).toBeUndefined()
      expect(form.get('client_id')).toBe('mcp authz')
      expect(form.get('client_secret')).toBe('p%ss:wörd +')
      response.end(good)
    }
    const endpoint = endpointOf({ method: 'client_secret_post', secretFile: join(directory, 'secret') })
    expect((await endpoint.exchange('t', parameters)).ok).toBe(true)
  })

  it.each(['ES256', 'RS256'] as const)('authenticates by a key (%s)', async kind => {
    const pem = pemKey(kind)
    writeFileSync(join(directory, 'key.pem'), pem)
    const key = readSigningKey(pem, 'clientAssertion')
    if (!key.ok) throw new Error(key.message)
    let assertion = ''
    handle = (form, _request, response) => {
      assertion = form.get('client_assertion') ?? ''
      response.end(good)
    }
    const endpoint = endpointOf({ method: 'private_key_jwt', keyFile: join(directory, 'key.pem') })
    expect((await endpoint.exchange('t', parameters)).ok).toBe(true)
    const { payload } = await jwtVerify(assertion, createLocalJWKSet({ keys: [{ ...key.key.publicJwk }] }), {
      issuer: 'mcp authz',
      subject: 'mcp authz',
      audience: `${origin}/token`,
      requiredClaims: ['jti', 'exp'],
    })
    expect(payload.jti).not.toBe('')
  })

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['is silent', () => undefined, 'within 200 ms'],
    ['sends for ever', response => void setInterval(() => response.write(' '), 20).unref(), 'within 200 ms'],
    ['hangs up', response => response.destroy(), 'cannot be asked'],
    ['sends too much', response => response.end('x'.repeat(70_000)), 'more than'],
    ['redirects', response => response.writeHead(307, { location: `${origin}/elsewhere` }).end(), 'answered 307'],
  ])('fails when the provider %s', async (_name, reply, message) => {
    const paths: (string | undefined)[] = []
    handle = (_form, request, response) => {
      paths.push(request.url)
      reply(response)
    }
    const answered = await endpointOf({ method: 'none' }, 200).exchange('s3cret-token', parameters)
    expect(answered).toMatchObject({ ok: false, kind: 'failed' })
    const text = answered.ok ? '' : answered.message
    expect(text).toContain(message)
    expect(text).not.toContain('s3cret')
    expect(paths).toEqual(['/token'])
  })

  it('fails when nobody listens, or there is no secret', async () => {
    const nobody = endpointOf({ method: 'none' }, 500, 'http://127.0.0.1:1/token')
    expect(await nobody.exchange('t', parameters)).toMatchObject({ ok: false, kind: 'failed' })
    const secretless = endpointOf({ method: 'client_secret_post', secretFile: join(directory, 'absent') })
    expect(await secretless.exchange('t', parameters)).toMatchObject({ ok: false, kind: 'failed' })
  })
})
