import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { UserInfo } from '../identity/principal.js'
import type { ApiServer } from '../kube/api-server.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { ask, user } from './rbac.fixture.js'
import { createSarAuthorizer } from './sar-authorizer.js'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Bytes in use, after what is garbage is gone. */
async function inUse(): Promise<number> {
  if (typeof collect !== 'function') throw new Error('no garbage collector to ask')
  for (let round = 0; round < 2; round++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

/** Allows everything for this reason, and keeps nothing. */
function allowing(reason: string): ApiServer {
  return {
    cluster: 'test',
    async request({ body = '' }) {
      const kind = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' }
      const { spec }: { spec: unknown } = JSON.parse(body)
      const parsed = parseStrictJson(Buffer.from(JSON.stringify({ ...kind, spec, status: { allowed: true, reason } })))
      if (!parsed.ok) throw new Error(parsed.message)
      return { ok: true, status: 201, body: parsed.value }
    },
    follow: () => ({ close: () => undefined }),
    close: () => undefined,
  }
}

const alice = user('alice', 'staff', 'system:authenticated')
const people = Array.from({ length: 50 }, (_, n) =>
  user(`person-${n}@example.com`, `team-${n}`, 'system:authenticated'),
)
const binding =
  'RBAC: allowed by RoleBinding "developers/team-a" of ClusterRole "developer" to Group "team-a-developers"'

describe('an answer that is kept costs what is said of it', () => {
  it.each<[string, number, (n: number) => UserInfo, (n: number) => string, string]>([
    ['a short name, no reason', 4000, () => alice, n => `n${n}`, ''],
    ['many people, a binding', 4000, n => people[n % 50] ?? alice, n => `web-${n}`, binding],
    ['long names', 2000, () => alice, n => `${n}-`.padEnd(250, 'x'), binding],
    ['names beyond what is a name, in two bytes', 1000, () => alice, n => `${n}-`.padEnd(2000, 'x'), binding],
    ['a long reason', 1000, () => alice, n => `web-${n}`, 'x'.repeat(1900)],
    ['a long reason that is not Latin', 1000, () => alice, n => `web-${n}`, '字'.repeat(1900)],
  ])(
    '%s',
    async (name, count, who, what, reason) => {
      const authorizer = createSarAuthorizer({ api: allowing(reason), rbacOnly: false, watch: undefined, now: () => 0 })
      for (const one of people) await authorizer.authorize(one, ask({ name: 'warm' }))
      const before = { used: await inUse(), ...authorizer.stats() }
      for (let n = 0; n < count; n++) await authorizer.authorize(who(n), ask({ name: what(n) }))
      const after = { used: await inUse(), ...authorizer.stats() }
      expect(after.entries - before.entries).toBe(count)
      const ratio = (after.bytes - before.bytes) / (after.used - before.used)
      if (process.env.FIGURES !== undefined)
        process.stdout.write(
          `${name}: ${Math.round((after.bytes - before.bytes) / count)} bytes said, ${ratio.toFixed(2)} of what it takes\n`,
        )
      expect(ratio).toBeGreaterThan(0.7)
      expect(ratio).toBeLessThan(1.5)
    },
    60_000,
  )
})
