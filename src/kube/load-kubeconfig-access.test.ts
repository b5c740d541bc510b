import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { Authority, FakeApiServer, json, type KeyPair, openssl, statusObject, until } from './api-server.fixture.js'
import type { ApiServerEvent } from './api-server-event.js'
import { type ConnectedApiServer, createApiServer } from './create-api-server.js'

let authority: Authority
let pair: KeyPair
let person: KeyPair
let fake: FakeApiServer
let folder: string
let file: string
let count = 0
const opened: ConnectedApiServer[] = []

beforeAll(() => {
  if (!openssl) return
  authority = new Authority('cluster')
  pair = authority.issue('/CN=apiserver', 'IP:127.0.0.1,DNS:kubernetes.example.com')
  person = authority.issue('/CN=alice', 'DNS:alice')
})
afterAll(() => authority?.remove())
beforeEach(async () => {
  if (!openssl) return
  fake = await new FakeApiServer(pair).listen()
  folder = join(authority.folder, `kubeconfig-${count++}`)
  mkdirSync(folder)
  file = join(folder, 'config')
  for (const [name, text] of [
    ['ca.pem', authority.ca],
    ['cert.pem', person.cert],
    ['key.pem', person.key],
  ] as const) {
    writeFileSync(join(folder, name), text)
  }
})
afterEach(async () => {
  for (const api of opened.splice(0)) api.close()
  await fake?.kill()
})

const base64 = (text: string) => Buffer.from(text).toString('base64')

function write(user: object, cluster: object = {}, server = `https://127.0.0.1:${fake.port}`): void {
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'one', cluster: { server, 'certificate-authority': 'ca.pem', ...cluster } },
      { name: 'nowhere', cluster: { server: 'https://127.0.0.1:1' } },
    ],
    users: [{ name: 'alice', user }],
    contexts: [
      { name: 'alice@one', context: { cluster: 'one', user: 'alice' } },
      { name: 'nobody@one', context: { cluster: 'one', user: 'nobody' } },
      { name: 'elsewhere', context: { cluster: 'nowhere', user: 'alice' } },
    ],
    'current-context': 'alice@one',
  })
  writeFileSync(file, text)
}

function client(context?: string, environment: object = {}) {
  const events: ApiServerEvent[] = []
  const api = createApiServer({
    cluster: 'local',
    connection: { kind: 'kubeconfig', file, context },
    timeoutMs: 10_000,
    maxInFlight: 8,
    onEvent: event => events.push(event),
    environment: { checkMs: 10, ...environment },
  })
  opened.push(api)
  const get = () => api.request({ method: 'GET', path: '/api/v1/pods' })
  return { api, events, get }
}

/** A plugin: a shell script that prints what it is given, and counts its runs. */
function plugin(credential: object | string, more = ''): object {
  const text = typeof credential === 'string' ? credential : JSON.stringify(credential)
  writeFileSync(join(folder, 'answer.json'), text)
  const script = `#!/bin/sh\ncd "$(dirname "$0")"\necho run >> runs\nprintf '%s' "$KUBERNETES_EXEC_INFO" > info.json\n${more}\ncat answer.json\n`
  writeFileSync(join(folder, 'plugin.sh'), script, { mode: 0o700 })
  return { exec: { apiVersion, command: './plugin.sh', args: ['get'], env: [{ name: 'A', value: 'b' }] } }
}
const apiVersion = 'client.authentication.k8s.io/v1'
const credential = (status: object) => ({ apiVersion, kind: 'ExecCredential', status })

describe.skipIf(!openssl)('a kubeconfig', () => {
  it.each([
    ['a token', () => ({ token: 'abc' }), 'Bearer abc'],
    ['nothing', () => ({}), ''],
    ['name and password', () => ({ username: 'a', password: 'b' }), `Basic ${base64('a:b')}`],
    [
      'a token file beside it, which wins',
      () => {
        writeFileSync(join(folder, 'token'), 'from-file\n')
        return { tokenFile: 'token', token: 'other' }
      },
      'Bearer from-file',
    ],
    ['an exec plugin', () => plugin(credential({ token: 'from-plugin' })), 'Bearer from-plugin'],
  ])('gives credentials: %s', async (_, user, authorization) => {
    write(user())
    expect(await client().get()).toMatchObject({ ok: true })
    expect(fake.requests[0]?.authorization).toBe(authorization)
  })

  it.each([
    ['files', () => ({ 'client-certificate': 'cert.pem', 'client-key': 'key.pem' })],
    ['data', () => ({ 'client-certificate-data': base64(person.cert), 'client-key-data': base64(person.key) })],
    ['an exec plugin', () => plugin(credential({ clientCertificateData: person.cert, clientKeyData: person.key }))],
  ])('gives a client certificate: %s', async (_, user) => {
    const strict = await new FakeApiServer(pair, { clientCa: authority.ca }).listen()
    try {
      write(user(), {}, `https://127.0.0.1:${strict.port}`)
      expect(await client().get()).toMatchObject({ ok: true })
      write({}, {}, `https://127.0.0.1:${strict.port}`)
      expect(await client().get()).toMatchObject({ reason: 'unavailable' })
    } finally {
      await strict.kill()
    }
  })

  it('says where: a path in front, another name in the certificate, the authority in base64, a context', async () => {
    write(
      { token: 'abc', as: 'bob' },
      { 'certificate-authority-data': base64(authority.ca) },
      `https://127.0.0.1:${fake.port}/k8s/c-1/`,
    )
    let impersonated: unknown
    fake.answer = (stream, headers, body) => {
      impersonated = headers['impersonate-user']
      json(200, '{}')(stream, headers, body)
    }
    expect(await client('alice@one').get()).toMatchObject({ ok: true })
    expect(fake.requests[0]?.path).toBe('/k8s/c-1/api/v1/pods')
    expect(impersonated).toBe('bob')
    write({ token: 'abc' }, { 'tls-server-name': 'kubernetes.example.com' })
    expect(await client().get()).toMatchObject({ ok: true })
    write({ token: 'abc' }, { 'tls-server-name': 'other.example.com' })
    expect(await client().get()).toMatchObject({
      message: expect.stringContaining('not for other.example.com'),
    })
  })

  it('leaves the certificate unverified only where it says so, and tells', async () => {
    const unverified = { 'certificate-authority': undefined, 'insecure-skip-tls-verify': true }
    write({ token: 'abc' }, unverified)
    const { get, events } = client()
    expect(await get()).toMatchObject({ ok: true })
    expect(events).toContainEqual({ type: 'warning', message: expect.stringContaining('insecure-skip-tls-verify') })
    write({ token: 'abc' }, { 'certificate-authority': undefined })
    expect(await client().get()).toMatchObject({ reason: 'unavailable', message: expect.stringContaining('authority') })
  })

  const refused: readonly [string, () => void, string, string?][] = [
    ['no such file', () => {}, 'does not exist'],
    ['no YAML', () => writeFileSync(file, '{'), 'is not a kubeconfig'],
    ['an empty file', () => writeFileSync(file, ''), 'is not a kubeconfig'],
    ['an unknown context', () => write({}), 'has no context "other"', 'other'],
    ['an unknown user', () => write({}), 'has no user "nobody"', 'nobody@one'],
    ['http', () => write({}, {}, 'http://127.0.0.1:1'), 'no https:// address'],
    ['a proxy', () => write({}, { 'proxy-url': 'http://proxy:1' }), 'proxy-url'],
    [
      'verification both wanted and not',
      () => write({}, { 'insecure-skip-tls-verify': true }),
      'remove one of the two',
    ],
    ['impersonated groups', () => write({ as: 'bob', 'as-groups': ['admins'] }), 'as-groups'],
    ['no authority', () => write({}, { 'certificate-authority': 'other.pem' }), 'does not exist'],
    ['an authority that is none', () => write({}, { 'certificate-authority-data': base64('x') }), 'no certificate'],
    ['a certificate without key', () => write({ 'client-certificate': 'cert.pem' }), 'not both'],
    ['a token with a line break', () => write({ token: 'a\nb' }), 'characters'],
    [
      'a plugin that is not there',
      () => write({ exec: { apiVersion, command: 'no-such-program-here' } }),
      'is not there',
    ],
    ['a plugin of an unknown version', () => write({ exec: { apiVersion: 'v1', command: 'x' } }), 'apiVersion'],
    [
      'a plugin that asks people',
      () => write({ exec: { apiVersion, command: 'x', interactiveMode: 'Always' } }),
      'person',
    ],
    ['a plugin that fails', () => write(plugin('{}', 'echo secret >&2; exit 3')), 'ended with status 3'],
    ['a plugin that never ends', () => write(plugin('{}', 'exec sleep 60')), 'did not end within 300 ms'],
    ['a plugin that prints without end', () => write(plugin('{}', 'exec yes')), 'printed more than'],
    ['a plugin that prints no JSON', () => write(plugin('token')), 'no JSON'],
    ['a plugin that prints something else', () => write(plugin({ apiVersion, kind: 'Pod' })), 'no ExecCredential'],
    ['a plugin with nothing to give', () => write(plugin(credential({}))), 'neither'],
    ['a plugin with half a certificate', () => write(plugin(credential({ clientKeyData: 'x' }))), 'not both'],
    ['a plugin with an odd token', () => write(plugin(credential({ token: 'a b' }))), 'characters'],
    [
      'a plugin with an odd date',
      () => write(plugin(credential({ token: 'a', expirationTimestamp: 'soon' }))),
      'no date',
    ],
  ]
  it.each(refused)('is refused with words: %s', async (_, prepare, message, context) => {
    prepare()
    const answer = await client(context, { execMs: 300 }).get()
    expect(answer).toMatchObject({ reason: 'unavailable', message: expect.stringContaining(message) })
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(fake.requests).toHaveLength(0)
  })

  it('is followed when it changes', async () => {
    write({ token: 'one' })
    const { get } = client()
    expect(await get()).toMatchObject({ ok: true })
    write({ token: 'two' })
    await until(() => {
      void get()
      return fake.requests.at(-1)?.authorization === 'Bearer two'
    })
    expect(fake.connections).toBe(1)
  })

  it('runs its plugin once, again when the credential was refused, and when it expires', async () => {
    const { readFileSync } = await import('node:fs')
    const runs = () => readFileSync(join(folder, 'runs'), 'utf8').length / 'run\n'.length
    const user = plugin(credential({ token: 'one' }))
    write(user)
    const { get } = client()
    for (let n = 0; n < 5; n++) {
      expect(await get()).toMatchObject({ ok: true })
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    expect(runs()).toBe(1)
    expect(JSON.parse(readFileSync(join(folder, 'info.json'), 'utf8'))).toEqual({
      apiVersion,
      kind: 'ExecCredential',
      spec: { interactive: false },
    })
    plugin(credential({ token: 'two', expirationTimestamp: new Date(Date.now() + 5000).toISOString() }))
    fake.answer = (stream, headers, body) => {
      const known = headers.authorization === 'Bearer two'
      json(known ? 200 : 401, known ? '{}' : statusObject(401, 'Unauthorized'))(stream, headers, body)
    }
    expect(await get()).toMatchObject({ ok: true })
    expect(runs()).toBe(2)
    await until(() => {
      void get()
      return runs() > 2 // it ends in five seconds, so that it is renewed before
    })
  })
})
