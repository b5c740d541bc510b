import { generateKeyPairSync, sign } from 'node:crypto'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDecide } from '../src/decision/create-decide.js'
import { createCheckHandler } from '../src/doors/ext-authz/check-handler.js'
import { AuthenticatorSource } from '../src/identity/authenticator-source.js'
import { packageRoot } from '../src/package-root.js'
import { createDirectorySource } from '../src/policy/directory-source.js'
import { PolicyStore } from '../src/policy/policy-store.js'
import { scaleRequest } from './bench/check-requests.js'
import { audience, issuer, writePolicies } from './bench/policies.js'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Bytes in use, after what is garbage is gone. */
async function inUse(): Promise<number> {
  if (typeof collect !== 'function') throw new Error('no garbage collector to ask')
  for (let round = 0; round < 2; round++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] }
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function token(claims: unknown): string {
  const input = `${encode({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })}.${encode(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const now = Math.floor(Date.now() / 1000)
const small = (n: number) => ({
  ...{ iss: issuer, aud: audience, sub: `u${n}`, preferred_username: `u${n}`, groups: ['team-a-developers'] },
  ...{ client_id: 'sre-agent', act: { sub: 'sre-agent' }, exp: now + 3600 },
})
const typical = (n: number) => ({
  ...small(n),
  sub: `f3b5c0de-7a52-4b1e-9f0a-${String(n).padStart(12, '0')}`,
  preferred_username: `user-${n}@example.com`,
  groups: ['team-a-developers', 'staff', 'oncall', 'berlin', 'readers-of-everything'],
  ...{ scope: 'openid profile mcp:tools', jti: `bench-${n}`, iat: now },
})
const list = <T>(length: number, make: (index: number) => T) => Array.from({ length }, (_, index) => make(index))
const noting = (make: (n: number) => unknown) => (n: number) => ({ ...typical(n), note: make(n) })
const groups = (length: number, make: (n: number, group: number) => string) => (n: number) => ({
  ...typical(n),
  groups: ['team-a-developers', ...list(length, group => make(n, group))],
})

const policies = writePolicies(jwks)
const identities = new AuthenticatorSource({ now: Date.now, cacheBytes: 256 * 1024 * 1024 })
const store = new PolicyStore({
  sources: [
    createDirectorySource({ directory: join(packageRoot, 'policies', 'catalogs'), kinds: ['ToolCatalog'], trust: 0 }),
    createDirectorySource({ directory: policies.directory }),
  ],
  compile: {},
  assemble: { clusters: ['local'], authenticator: (configurations, one) => identities.for(configurations, one) },
})
const fail = (error: unknown) => {
  throw error
}
const decide = createDecide({ snapshot: () => store.current, onBug: fail, onDecided: ({ record }) => void record() })
const listener = { name: 'one', door: 'ext-authz', profile: 'envoy', trust: 'none' } as const
const handle = createCheckHandler({ decide, listener, onError: fail })

/** Has a request of each of so many people decided, told to the server behind and recorded. */
async function decideFor(make: (n: number) => unknown, count: number): Promise<void> {
  const context = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
  for (let n = 0; n < count; n++) {
    const answer = await handle(scaleRequest(token(make(n)), 3), context)
    // The status comes first, in two bytes, and in them the code: 0 for OK.
    if (answer[0] !== 0x0a || answer[3] !== 0) throw new Error('the request of the test was denied')
  }
}

beforeAll(async () => {
  store.load()
  await identities.started()
  // What is made once for all tokens, and the code itself.
  await decideFor(typical, 400)
}, 120_000)
afterAll(() => {
  identities.stop()
  policies.remove()
})

describe('a remembered token costs what is said of it', () => {
  it.each<[string, number, (n: number) => unknown]>([
    ['as small as they come', 800, small],
    ['an ordinary one', 800, noting(() => 'ordinary')],
    ['with many groups', 300, groups(200, (n, group) => `/tenant-${n % 100}/group-of-people-${group}`)],
    ['with many short groups', 250, groups(400, (n, group) => `g${n % 100}-${group}`)],
    ['with a long text', 400, noting(n => `${n}`.padEnd(7000, 'x'))],
    ['with a long text that is not Latin', 400, noting(n => `${n}`.padEnd(2000, '字'))],
    ['with a long text of umlauts', 400, noting(n => `${n}`.padEnd(3000, 'ä'))],
    ['with numbers', 400, noting(n => list(500, index => 100_000 + index + n))],
    ['with fractions', 400, noting(n => list(500, index => index + n + 0.5))],
    ['with nothing, many times', 60, noting(() => list(1500, () => ({})))],
    ['with lists of one', 100, noting(() => list(900, () => [1]))],
    ['with a wide object', 80, noting(() => Object.fromEntries(list(1000, index => [`k${index}`, index])))],
  ])(
    '%s',
    async (name, count, make) => {
      const before = await inUse()
      const { kept, keptBytes } = identities.state.tokens
      await decideFor(make, count)
      const { tokens } = identities.state
      expect(tokens.kept - kept).toBe(count)
      const ratio = (tokens.keptBytes - keptBytes) / ((await inUse()) - before)
      if (process.env.FIGURES !== undefined)
        process.stdout.write(
          `${name}: ${Math.round((tokens.keptBytes - keptBytes) / count)} bytes said, ${ratio.toFixed(2)} of what it takes\n`,
        )
      expect(ratio).toBeGreaterThan(0.7)
      expect(ratio).toBeLessThan(1.5)
    },
    120_000,
  )
})
