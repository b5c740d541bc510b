import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { allowed, evaluation, rules } from '../../src/doors/http/authzen/authzen.fixture.js'
import { type AuthzenDoor, createAuthzenDoor } from '../../src/doors/http/authzen/authzen-door.js'
import type { AuthzenListener } from '../../src/doors/http/authzen/authzen-listener.js'
import { Authority, type KeyPair, openssl } from '../../src/kube/api-server.fixture.js'
import { postTo } from './post-to.js'
import { temporaryToken } from './temporary-token.js'

const gateway = 'URI:spiffe://acme.com/ns/gateway/sa/envoy'

describe.runIf(openssl)('the AuthZEN door over TLS', () => {
  let ours: Authority
  let theirs: Authority
  let gatewayPair: KeyPair
  let otherPair: KeyPair
  let foreignPair: KeyPair
  let token: ReturnType<typeof temporaryToken>
  const doors: AuthzenDoor[] = []
  const path = (name: string) => join(ours.folder, name)
  const serve = (pair: KeyPair) => {
    writeFileSync(path('server.pem'), pair.cert)
    writeFileSync(path('server.key'), pair.key)
  }
  beforeAll(() => {
    ours = new Authority('ours')
    theirs = new Authority('theirs')
    gatewayPair = ours.issue('/CN=gateway', gateway)
    otherPair = ours.issue('/CN=other', 'URI:spiffe://acme.com/ns/other/sa/app')
    foreignPair = theirs.issue('/CN=gateway', gateway)
    serve(ours.issue('/CN=pdp', 'DNS:localhost,IP:127.0.0.1'))
    token = temporaryToken()
  })
  afterEach(async () => {
    await Promise.all(doors.splice(0).map(door => door.stop()))
  })
  afterAll(() => {
    ours.remove()
    theirs.remove()
    token.remove()
  })

  async function open(more: Partial<AuthzenListener> = {}) {
    const errors: string[] = []
    const door = createAuthzenDoor({
      decide: () => allowed,
      listener: {
        name: 't',
        trust: 'mtls',
        address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
        tls: {
          cert: path('server.pem'),
          key: path('server.key'),
          clientCA: path('ca.pem'),
          allowedSANs: ['spiffe://acme.com/ns/gateway/*'],
        },
        ...more,
      },
      findServer: rules().findServer,
      onError: detail => errors.push(detail),
    })
    doors.push(door)
    const address = await door.start()
    door.setReady(true)
    const ask = async (
      pair: KeyPair | undefined,
      headers: Record<string, string> = {},
    ): Promise<number | 'refused'> => {
      const keys = pair === undefined ? {} : { cert: Buffer.from(pair.cert), key: Buffer.from(pair.key) }
      try {
        const answer = await postTo(address, '/access/v1/evaluation', JSON.stringify(evaluation()), headers, {
          ca: Buffer.from(ours.ca),
          ...keys,
        })
        return answer.status
      } catch {
        return 'refused'
      }
    }
    return { door, ask, errors }
  }

  it('knows a gateway by its certificate', async () => {
    const { ask } = await open()
    expect(await ask(gatewayPair)).toBe(200)
    expect(await ask(otherPair)).toBe(403)
    expect(await ask(foreignPair)).toBe('refused')
    expect(await ask(undefined)).toBe('refused')
  })

  it('wants the token too, where both are configured', async () => {
    const { ask } = await open({ tokenFile: token.tokenFile })
    expect(await ask(gatewayPair)).toBe(401)
    expect(await ask(gatewayPair, { authorization: `Bearer ${token.token}` })).toBe(200)
    expect(await ask(otherPair, { authorization: `Bearer ${token.token}` })).toBe(403)
  })

  it('takes a token alone over TLS without client certificates', async () => {
    const { ask } = await open({
      trust: 'none',
      tls: { cert: path('server.pem'), key: path('server.key') },
      tokenFile: token.tokenFile,
    })
    expect(await ask(undefined)).toBe(401)
    expect(await ask(undefined, { authorization: `Bearer ${token.token}` })).toBe(200)
  })

  it('follows its certificate files, and keeps the last good ones', async () => {
    const { door, ask, errors } = await open()
    expect(door.reloadTls()).toBe(false)
    writeFileSync(path('server.key'), otherPair.key)
    expect(door.reloadTls()).toBe(false)
    expect(errors).toEqual([expect.stringContaining('the last good ones stay')])
    expect(await ask(gatewayPair)).toBe(200)
    serve(ours.issue('/CN=pdp-2', 'DNS:localhost,IP:127.0.0.1'))
    expect(door.reloadTls()).toBe(true)
    expect(await ask(gatewayPair)).toBe(200)
  })

  it('does not start without its files', async () => {
    expect(() =>
      createAuthzenDoor({
        decide: () => allowed,
        listener: {
          name: 't',
          trust: 'none',
          address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
          tls: { cert: '/nowhere/cert', key: '/nowhere/key', clientCA: '/nowhere/ca' },
        },
        findServer: () => undefined,
        onError: () => undefined,
      }),
    ).toThrow('/nowhere/cert')
  })
})
