import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UserInfo } from '../identity/principal.js'
import { createEmbeddedAuthorizer } from './embedded-authorizer.js'
import type { ResourceAttributes } from './operation.js'
import { compileRule } from './policy-rule.js'
import {
  anyObjects,
  anyRequest,
  anyUser,
  ask,
  clusterBinding,
  clusterRole,
  getPods,
  roleBinding,
  rule,
  subject,
  user,
} from './rbac.fixture.js'
import type { RbacObject } from './rbac-objects.js'
import type { WhoCan } from './who-can.js'

const requests = fc.array(anyRequest, { minLength: 8, maxLength: 8 })
const urls = fc.constantFrom('/a', '/a/b', '/b', '')
const covers = ({ subjects }: WhoCan, who: UserInfo) =>
  subjects.some(({ as }) => (as.in === 'users' ? as.name === who.username : who.groups.includes(as.name)))

describe('agrees with authorize', () => {
  it('who can: exactly those whom authorize allows', () => {
    let allowed = 0
    fc.assert(
      fc.property(
        anyObjects,
        fc.array(anyUser, { minLength: 4, maxLength: 4 }),
        requests,
        urls,
        (world, users, asked, path) => {
          const authorizer = createEmbeddedAuthorizer(world)
          for (const what of asked) {
            const answer = authorizer.whoCan(what)
            expect(answer.complete).toBe(true)
            // Every subject that is named, on its own.
            for (const { as, by } of answer.subjects) {
              const who = as.in === 'users' ? user(as.name) : user('nobody else', as.name)
              expect(authorizer.authorize(who, what)).toEqual({ allowed: true, reason: `RBAC: allowed by ${by}` })
              allowed++
            }
            for (const who of users) expect(covers(answer, who)).toBe(authorizer.authorize(who, what).allowed)
          }
          const url = { verb: 'get', path }
          for (const who of users)
            expect(covers(authorizer.whoCan(url), who)).toBe(authorizer.authorizeUrl(who, url).allowed)
        },
      ),
      { numRuns: 500 },
    )
    expect(allowed).toBeGreaterThan(100)
  })

  it('what can: its rules allow exactly what authorize allows', () => {
    let allowed = 0
    fc.assert(
      fc.property(anyObjects, anyUser, requests, urls, (world, who, asked, path) => {
        const authorizer = createEmbeddedAuthorizer(world)
        for (const what of asked) {
          const { resourceRules, incomplete } = authorizer.whatCan(who, what.namespace)
          const rules = resourceRules.map(one => compileRule({ ...one, nonResourceURLs: [] }))
          expect(incomplete).toBe(false)
          const expected = authorizer.authorize(who, what).allowed
          expect(rules.some(one => one.allows(what))).toBe(expected)
          if (expected) allowed++
        }
        const { nonResourceRules } = authorizer.whatCan(who)
        const none = { apiGroups: [], resources: [], resourceNames: [] }
        const given = nonResourceRules.some(one => compileRule({ ...none, ...one }).allowsUrl('get', path))
        expect(given).toBe(authorizer.authorizeUrl(who, { verb: 'get', path }).allowed)
      }),
      { numRuns: 500 },
    )
    expect(allowed).toBeGreaterThan(100)
  })

  it('in any namespace: authorize allows it in one of them', () => {
    let allowed = 0
    fc.assert(
      fc.property(anyObjects, anyUser, requests, (world, who, asked) => {
        const authorizer = createEmbeddedAuthorizer(world)
        for (const { namespace: _, ...what } of asked) {
          const inside = (namespace: string) => authorizer.authorize(who, { ...what, namespace }).allowed
          const somewhere = ['n', 'm'].filter(inside)
          const everywhere = inside('nobody has bound anything here')
          const where = authorizer.namespacesWhere(who, what)
          expect(where).toEqual(everywhere ? 'all' : somewhere.sort())
          expect(authorizer.canInAnyNamespace(who, what)).toBe(everywhere || somewhere.length > 0)
          if (somewhere.length > 0) allowed++
        }
      }),
      { numRuns: 500 },
    )
    expect(allowed).toBeGreaterThan(100)
  })

  it('what may be: there is a value for what is unknown', () => {
    const values = {
      group: ['', 'apps', 'other'],
      resource: ['pods', 'nodes', 'pods/log', '*', '*/log', 'pods/*', 'other'],
      namespace: ['', 'n', 'm', 'other'],
      name: ['', 'a', 'b', '*', 'other'],
    }
    const fields = ['group', 'resource', 'namespace', 'name'] as const
    let certain = 0
    fc.assert(
      fc.property(anyObjects, anyUser, anyRequest, fc.subarray([...fields]), (world, who, what, unknown) => {
        const authorizer = createEmbeddedAuthorizer(world)
        let worlds: ResourceAttributes[] = [what]
        for (const field of unknown)
          worlds = worlds.flatMap(one => values[field].map(value => ({ ...one, [field]: value })))
        const asked = { ...what, ...Object.fromEntries(unknown.map(field => [field, undefined])) }
        const expected = worlds.some(one => authorizer.authorize(who, one).allowed)
        expect(authorizer.mayAllow(who, asked)).toBe(expected)
        if (!expected && unknown.length > 0) certain++
      }),
      { numRuns: 2000 },
    )
    expect(certain).toBeGreaterThan(100)
  })
})

describe('answers for people', () => {
  const [alice, ops, bot] = [subject('User', 'alice'), subject('Group', 'ops'), subject('ServiceAccount', 'bot')]
  const objects: readonly RbacObject[] = [
    clusterRole('y', [getPods, rule({ verbs: ['get'], nonResourceURLs: ['/healthz'] })]),
    clusterBinding('x', 'y', ops, alice),
    clusterBinding('z', 'gone', alice, ops),
    roleBinding('l', 'dev', { kind: 'ClusterRole', name: 'y' }, bot, alice, subject('Robot', 'r')),
  ]
  const authorizer = createEmbeddedAuthorizer(objects)
  const inDev = ask({ namespace: 'dev' })
  const missing = 'clusterrole.rbac.authorization.k8s.io "gone" not found'

  it('who can: each subject once, with the first binding that gives it', () => {
    const cluster = 'ClusterRoleBinding "x" of ClusterRole "y" to'
    expect(authorizer.whoCan(inDev)).toEqual({
      subjects: [
        { kind: 'Group', name: 'ops', namespace: '', as: { in: 'groups', name: 'ops' }, by: `${cluster} Group "ops"` },
        {
          kind: 'User',
          name: 'alice',
          namespace: '',
          as: { in: 'users', name: 'alice' },
          by: `${cluster} User "alice"`,
        },
        {
          kind: 'ServiceAccount',
          name: 'bot',
          namespace: 'dev',
          as: { in: 'users', name: 'system:serviceaccount:dev:bot' },
          by: 'RoleBinding "l/dev" of ClusterRole "y" to ServiceAccount "bot/dev"',
        },
      ],
      complete: true,
      error: missing,
    })
    expect(authorizer.whoCan(ask({})).subjects.map(({ name }) => name)).toEqual(['ops', 'alice'])
    expect(authorizer.whoCan(ask({ verb: 'delete' })).subjects).toEqual([])
  })
  it('who can: bounded, and says so', () => {
    expect(authorizer.whoCan(inDev, 2)).toMatchObject({
      complete: false,
      subjects: [{ name: 'ops' }, { name: 'alice' }],
    })
    expect(authorizer.whoCan(inDev, 3)).toMatchObject({ complete: true })
  })
  it('what can: the status of a SelfSubjectRulesReview, with the origin of each rule', () => {
    const by = 'ClusterRoleBinding "x" of ClusterRole "y" to User "alice"'
    const local = 'RoleBinding "l/dev" of ClusterRole "y" to User "alice"'
    const pods = { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: [] }
    const health = { verbs: ['get'], nonResourceURLs: ['/healthz'] }
    expect(authorizer.whatCan(user('alice'), 'dev')).toEqual({
      resourceRules: [
        { ...pods, by },
        { ...pods, by: local },
      ],
      nonResourceRules: [
        { ...health, by },
        { ...health, by: local },
      ],
      incomplete: false,
      evaluationError: missing,
    })
    expect(authorizer.whatCan(user('alice')).resourceRules).toHaveLength(1)
    expect(authorizer.whatCan(user('carol'), 'dev')).toEqual({
      resourceRules: [],
      nonResourceRules: [],
      incomplete: false,
      evaluationError: '',
    })
  })
  it('what can: bounded, and says so', () => {
    expect(authorizer.whatCan(user('alice'), 'dev', 3)).toMatchObject({ incomplete: true })
    expect(authorizer.whatCan(user('alice'), 'dev', 4)).toMatchObject({ incomplete: false })
  })
  it('where: names namespaces', () => {
    const { namespace: _, ...getAny } = ask({})
    const account = user('system:serviceaccount:dev:bot')
    expect(authorizer.namespacesWhere(account, getAny)).toEqual(['dev'])
    expect(authorizer.namespacesWhere(user('alice'), getAny)).toBe('all')
    expect(authorizer.namespacesWhere(user('carol'), getAny)).toEqual([])
    expect(authorizer.canInAnyNamespace(account, getAny)).toBe(true)
    expect(authorizer.canInAnyNamespace(account, { ...getAny, verb: 'list' })).toBe(false)
  })
})
