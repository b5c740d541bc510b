import { expect, it } from 'vitest'
import type { UserInfo } from '../identity/principal.js'
import { createEmbeddedAuthorizer } from './embedded-authorizer.js'
import { ask, clusterBinding, clusterRole, getPods, roleBinding, subject, user } from './rbac.fixture.js'
import type { RbacObject } from './rbac-objects.js'

const reader = clusterRole('reader', [getPods])
const ref = { kind: 'ClusterRole', name: 'reader' }

/** Ten bindings that concern alice (by name, by group, in her namespace), and others that do not. */
function world(bindings: number): readonly RbacObject[] {
  const objects: RbacObject[] = [reader]
  for (let n = 0; n < 5; n++) {
    const mine = n % 2 === 0 ? subject('User', 'alice') : subject('Group', 'ops')
    objects.push(clusterBinding(`mine-${n}`, 'reader', mine), roleBinding(`mine-${n}`, 'dev', ref, mine))
  }
  for (let n = 10; n < bindings; n++) {
    const other = n % 3 === 0 ? subject('Group', `group-${n}`) : subject('User', `user-${n}`)
    // A third in her namespace, a third in others, a third in none.
    if (n % 3 === 1) objects.push(clusterBinding(`other-${n}`, 'reader', other))
    else objects.push(roleBinding(`other-${n}`, n % 3 === 0 ? 'dev' : `ns-${n % 100}`, ref, other))
  }
  return objects
}

it('10,000 bindings cost at most 1.2 times what 10 cost that concern the user', () => {
  const few = createEmbeddedAuthorizer(world(10))
  const many = createEmbeddedAuthorizer(world(10_000))
  const token = user('alice', 'ops', 'system:authenticated')
  const denied = ask({ namespace: 'dev', verb: 'delete' })
  const questions: Readonly<Record<string, (authorizer: typeof few) => void>> = {
    'a user seen before': authorizer => authorizer.authorize(token, denied),
    'a new user': authorizer => authorizer.authorize(user('alice', 'ops', 'system:authenticated'), denied),
    'in any namespace': authorizer => authorizer.canInAnyNamespace(token, denied),
  }
  for (const [name, question] of Object.entries(questions)) {
    let best = Number.POSITIVE_INFINITY
    // Noise only ever adds: one quiet round is proof, and a cost that grows is never quiet.
    for (let round = 0; round < 40 && best > 1.2; round++) {
      const small = smallest(() => question(few))
      best = Math.min(best, smallest(() => question(many)) / small)
    }
    expect(best, name).toBeLessThanOrEqual(1.2)
  }
})

function smallest(run: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let sample = 0; sample < 8; sample++) {
    const start = performance.now()
    for (let n = 0; n < 2_000; n++) run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

it('a group with thousands of bindings, and a user in thousands of groups', () => {
  const groups = Array.from({ length: 5_000 }, (_, n) => `g${n}`)
  const one = groups.map(name => clusterBinding(name, 'reader', subject('Group', name)))
  const authorizer = createEmbeddedAuthorizer([reader, ...one])
  const crowd: UserInfo = user('alice', ...groups, ...groups)
  expect(authorizer.authorize(crowd, ask({})).reason).toContain('Group "g0"')
  expect(authorizer.whatCan(crowd).resourceRules).toHaveLength(5_000)

  const shared = groups.map(name => clusterBinding(name, 'reader', subject('Group', 'ops'), subject('User', 'alice')))
  const other = createEmbeddedAuthorizer([reader, ...shared])
  expect(other.authorize(user('alice', 'ops'), ask({ verb: 'list' })).allowed).toBe(false)
  expect(other.whatCan(user('alice', 'ops')).resourceRules).toHaveLength(5_000)
})
