import { describe, expect, it } from 'vitest'
import type { Access } from '../../../src/rbac/authorizer.js'
import { createEmbeddedAuthorizer } from '../../../src/rbac/embedded-authorizer.js'
import { clusterBinding, clusterRole, getPods, subject } from '../../../src/rbac/rbac.fixture.js'
import { Random } from '../../fuzz/random.js'
import { loadManifest } from '../../rbac-oracle/our-reply.js'
import type { OracleRequest } from '../../rbac-oracle/question.js'
import { randomSet } from './random-set.js'
import { embeddedAnswer, sameAnswer } from './same-answer.js'

const alice = subject('User', 'alice')
const world = [
  clusterRole('reader', [getPods]),
  clusterRole('other', []),
  clusterBinding('a', 'reader', alice),
  clusterBinding('b', 'reader', alice),
  clusterBinding('c', 'other', alice),
  clusterBinding('d', 'reader', subject('User', 'bob')),
]
const request: OracleRequest = {
  ...{ user: 'alice', groups: [], verb: 'get', group: '', resource: 'pods' },
  ...{ subresource: '', namespace: '', name: '' },
}
const by = (name: string, user = 'alice'): Access => ({
  allowed: true,
  reason: `RBAC: allowed by ClusterRoleBinding "${name}" of ClusterRole "reader" to User "${user}"`,
})
const no = (reason: string): Access => ({ allowed: false, reason })

describe('the answer of an API server', () => {
  it.each<readonly [string, Access, Access, boolean]>([
    ['the same', by('a'), by('a'), true],
    ['another binding that allows it', by('a'), by('b'), true],
    ['a binding that does not', by('a'), by('c'), false],
    ['the binding of somebody else', by('a'), by('d', 'bob'), false],
    ['an allow without a word', by('a'), { allowed: true, reason: '' }, false],
    ['another verdict', by('a'), no(''), false],
    ['an allow for a denial', no(''), by('a'), false],
    ['a failure', no(''), { allowed: false, failed: 'dependency.timeout', reason: '' }, false],
    ['the same errors in another order', no('RBAC: [x, y]'), no('RBAC: [y, x]'), true],
    ['an error less', no('RBAC: [x, y]'), no('RBAC: x'), false],
    ['another error', no('RBAC: x'), no('RBAC: z'), false],
  ])('is told: %s', (_what, ours, theirs, same) => {
    expect(sameAnswer(world, request, ours, theirs)).toBe(same)
  })
})

it('random sets do not reach into each other', () => {
  const sets = Array.from({ length: 40 }, (_, at) => randomSet(new Random(1, at), at, 20, []))
  const loaded = sets.map(({ objects }) => objects.flatMap(object => loadManifest(object).objects))
  const together = createEmbeddedAuthorizer(loaded.flat())
  let allowed = 0
  for (const [at, { requests }] of sets.entries()) {
    const alone = createEmbeddedAuthorizer(loaded[at] ?? [])
    for (const one of requests) {
      expect(embeddedAnswer(together, one)).toEqual(embeddedAnswer(alone, one))
      if (embeddedAnswer(alone, one).allowed) allowed++
    }
  }
  expect(allowed).toBeGreaterThan(100)
})
