import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from './create-authenticator.js'
import {
  accepted,
  audience,
  authenticationYaml,
  configurationOf,
  requestWith,
  type SigningKey,
  signingKey,
} from './identity.fixture.js'
import { KeyRing } from './key-ring.js'
import { TokenVerifier } from './token-verifier.js'

/** An issuer behind TLS, its certificate signed by an authority of its own, and another authority that did not sign it. */
const issuer = 'https://idp.example.com/realms/acme'
const openssl = spawnSync('openssl', ['version']).status === 0

let folder: string
let authority: string
let otherAuthority: string
let key: SigningKey
let origin: string
let discoveryOf = issuer
const paths: (string | undefined)[] = []
let close = () => {}

function makeAuthority(name: string): string {
  const [keyFile, file] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
  const subject = ['-subj', `/CN=${name}`, '-days', '1', '-nodes']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', keyFile, '-out', file, ...subject], {
    stdio: 'ignore',
  })
  return readFileSync(file, 'utf8')
}

beforeAll(async () => {
  if (!openssl) return
  folder = mkdtempSync(join(tmpdir(), 'authority-'))
  authority = makeAuthority('authority')
  otherAuthority = makeAuthority('other')
  const file = (name: string) => join(folder, name)
  writeFileSync(file('extensions'), 'subjectAltName=IP:127.0.0.1\n')
  const request = ['-newkey', 'rsa:2048', '-nodes', '-keyout', file('server.key'), '-out', file('server.csr')]
  execFileSync('openssl', ['req', ...request, '-subj', '/CN=server'], { stdio: 'ignore' })
  const signing = ['-CA', file('authority.pem'), '-CAkey', file('authority.key'), '-CAcreateserial', '-days', '1']
  execFileSync(
    'openssl',
    ['x509', '-req', '-in', file('server.csr'), ...signing, '-extfile', file('extensions'), '-out', file('server.pem')],
    { stdio: 'ignore' },
  )
  key = await signingKey('one')
  const options = { key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) }
  const server = createServer(options, (incoming, outgoing) => {
    paths.push(incoming.url)
    const answer =
      incoming.url === '/certs' ? { keys: [key.publicJwk] } : { issuer: discoveryOf, jwks_uri: `${origin}/certs` }
    outgoing.end(JSON.stringify(answer))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  origin = `https://127.0.0.1:${address.port}`
  close = () => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  }
}, 60_000)
afterAll(() => close())

/** Starts with the certificates, and says what a good token gets, and why there are no keys if there are none. */
async function start(certificateAuthority: string | undefined, path = '/somewhere/discovery.json') {
  const block = certificateAuthority?.trim().replaceAll('\n', '\n      ')
  const authentication = authenticationYaml(`- issuer:
    url: ${issuer}
    discoveryURL: ${origin}${path}
    audiences: [${audience}]
${block === undefined ? '' : `    certificateAuthority: |\n      ${block}\n`}  claimMappings: { username: { claim: sub, prefix: "" } }`)
  const authenticator = createAuthenticator({
    configuration: configurationOf(authentication),
    keyRing: new KeyRing({ now: Date.now }),
    verifier: new TokenVerifier({ now: Date.now }),
    now: Date.now,
  })
  await authenticator.start()
  const token = await key.sign({ iss: issuer, aud: audience, sub: 'alice', exp: Math.floor(Date.now() / 1000) + 60 })
  const answer = await authenticator.authenticate(requestWith({ authorization: `Bearer ${token}` }), accepted)
  const { pending } = authenticator
  authenticator.stop()
  return { outcome: answer.ok ? 'ok' : answer.reason, pending: pending.join() }
}

describe.skipIf(!openssl)('the certificateAuthority of an issuer', () => {
  it('vouches for it, at exactly the discoveryURL', async () => {
    paths.length = 0
    expect(await start(authority)).toEqual({ outcome: 'ok', pending: '' })
    expect(paths).toEqual(['/somewhere/discovery.json', '/certs'])
  })

  it('may be a list', async () => {
    expect(await start(`${otherAuthority}\n${authority}`)).toMatchObject({ outcome: 'ok' })
  })

  it.each([
    ['another', () => otherAuthority],
    ['none, so that the roots of the system count', () => undefined],
  ])('being %s, nothing is believed', async (_, make) => {
    const { outcome, pending } = await start(make())
    expect(outcome).toBe('dependency.keys_unavailable')
    expect(pending).toMatch(/certificate/)
  })

  it('does not make another issuer of it', async () => {
    discoveryOf = 'https://idp.example.com/realms/other'
    const { outcome, pending } = await start(authority)
    discoveryOf = issuer
    expect(outcome).toBe('dependency.keys_unavailable')
    expect(pending).toContain('describes another issuer')
  })
})
