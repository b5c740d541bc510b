import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UserInfo } from '../identity/principal.js'
import { createEmbeddedAuthorizer } from './embedded-authorizer.js'
import type { ResourceAttributes } from './operation.js'
import { compileRule } from './policy-rule.js'
import { anyObjects, anyRequest, anyUser, ask, clusterRole, getPods, rule, subject, user } from './rbac.fixture.js'
import type { ClusterRole, PolicyRule, RbacObject, Subject } from './rbac-objects.js'

const lines = (file: string): unknown[] =>
  readFileSync(new URL(`testdata/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

describe('decisions of the Kubernetes RBAC code', () => {
  it('rules', () => {
    interface Row extends Record<'verb' | 'group' | 'resource' | 'sub' | 'name' | 'ns' | 'path', string> {
      allowed: boolean
      resourceRequest: boolean
      rule: Partial<PolicyRule>
    }
    const rows = lines('rbac-rule-decisions.jsonl') as Row[]
    expect(rows).toHaveLength(100)
    for (const row of rows) {
      const compiled = compileRule(rule(row.rule))
      const { verb, group, resource, sub, name, ns, path } = row
      const attributes = { verb, group, resource, subresource: sub, namespace: ns, name }
      const allowed = row.resourceRequest ? compiled.allows(attributes) : compiled.allowsUrl(verb, path)
      expect(allowed, JSON.stringify(row)).toBe(row.allowed)
    }
  })

  it('subjects', () => {
    interface Row {
      applies: boolean
      user: string
      groups: string[] | null
      ns: string
      subject: Partial<Subject>
    }
    const rows = lines('rbac-subject-decisions.jsonl') as Row[]
    expect(rows).toHaveLength(61)
    for (const { applies, user: name, groups, ns, subject: who } of rows) {
      const asked = user(name, ...(groups ?? []))
      const bound = subject(who.kind ?? '', who.name ?? '', who.namespace)
      // A binding of everything to that subject.
      const everything = rule({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] })
      const authorizer = createEmbeddedAuthorizer([
        clusterRole('all', [everything]),
        ns === ''
          ? { kind: 'ClusterRoleBinding', name: 'b', roleRef: { kind: 'ClusterRole', name: 'all' }, subjects: [bound] }
          : {
              kind: 'RoleBinding',
              name: 'b',
              namespace: ns,
              roleRef: { kind: 'ClusterRole', name: 'all' },
              subjects: [bound],
            },
      ])
      expect(authorizer.authorize(asked, ask({ namespace: ns })).allowed).toBe(applies)
    }
  })
})

describe('rules', () => {
  const cases: readonly (readonly [string, Partial<PolicyRule>, Partial<ResourceAttributes>, boolean])[] = [
    ['a resource does not cover its subresources', { resources: ['pods'] }, { subresource: 'log' }, false],
    ['res/* is no wildcard', { resources: ['pods/*'] }, { subresource: 'log' }, false],
    ['*/sub is one', { resources: ['*/log'] }, { subresource: 'log' }, true],
    ['*/sub does not cover the resource itself', { resources: ['*/log'] }, {}, false],
    ['* covers subresources', { resources: ['*'] }, { subresource: 'log' }, true],
    ['a name that is listed', { resources: ['pods'], resourceNames: ['a'] }, { name: 'a' }, true],
    ['no name, where names are listed', { resources: ['pods'], resourceNames: ['a'] }, {}, false],
    ['names have no wildcard', { resources: ['pods'], resourceNames: ['*'] }, { name: 'a' }, false],
    ['an empty name in the list is the request without one', { resources: ['pods'], resourceNames: [''] }, {}, true],
    ['a literal star in the request', { resources: ['pods'] }, { verb: '*' }, false],
    ['verbs are case-sensitive', { resources: ['pods'] }, { verb: 'GET' }, false],
    ['no groups match nothing', { resources: ['pods'], apiGroups: [] }, {}, false],
  ]
  it.each(cases)('%s', (_name, parts, attributes, expected) => {
    const compiled = compileRule(rule({ verbs: ['get'], apiGroups: [''], ...parts }))
    expect(compiled.allows(ask(attributes))).toBe(expected)
  })

  it('strips all trailing stars of a URL', () => {
    const compiled = compileRule(rule({ verbs: ['get'], nonResourceURLs: ['/a***'] }))
    expect(compiled.allowsUrl('get', '/ab/c')).toBe(true)
    expect(compiled.allowsUrl('get', '/b')).toBe(false)
  })
})

describe('reasons are those of the API server', () => {
  const objects: readonly RbacObject[] = [
    clusterRole('y', [getPods]),
    { kind: 'Role', name: 'r', namespace: 'dev', rules: [getPods] },
    {
      kind: 'ClusterRoleBinding',
      name: 'x',
      roleRef: { kind: 'ClusterRole', name: 'y' },
      subjects: [subject('Group', 'ops'), subject('User', 'alice')],
    },
    {
      kind: 'RoleBinding',
      name: 'local',
      namespace: 'dev',
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [subject('ServiceAccount', 'bot')],
    },
    {
      kind: 'ClusterRoleBinding',
      name: 'dangling',
      roleRef: { kind: 'ClusterRole', name: 'missing' },
      subjects: [subject('User', 'bob'), subject('User', 'alice')],
    },
    {
      kind: 'RoleBinding',
      name: 'dangling',
      namespace: 'dev',
      roleRef: { kind: 'Role', name: 'gone' },
      subjects: [subject('User', 'bob')],
    },
    {
      kind: 'RoleBinding',
      name: 'odd',
      namespace: 'odd',
      roleRef: { kind: 'Rolle', name: 'r' },
      subjects: [subject('User', 'bob')],
    },
  ]
  const authorizer = createEmbeddedAuthorizer(objects)
  const missing = 'clusterrole.rbac.authorization.k8s.io "missing" not found'
  it.each([
    ['user', user('alice'), 'dev', true, 'RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to User "alice"'],
    [
      'the first subject that applies',
      user('alice', 'ops'),
      '',
      true,
      'RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to Group "ops"',
    ],
    [
      'service account, namespace of the binding',
      user('system:serviceaccount:dev:bot'),
      'dev',
      true,
      'RBAC: allowed by RoleBinding "local/dev" of Role "r" to ServiceAccount "bot/dev"',
    ],
    ['the same in another namespace', user('system:serviceaccount:dev:bot'), 'prod', false, ''],
    ['the same for all namespaces', user('system:serviceaccount:dev:bot'), '', false, ''],
    ['a missing role', user('bob'), '', false, `RBAC: ${missing}`],
    [
      'two missing roles',
      user('bob'),
      'dev',
      false,
      `RBAC: [${missing}, role.rbac.authorization.k8s.io "gone" not found]`,
    ],
    [
      'a reference of another kind',
      user('bob'),
      'odd',
      false,
      `RBAC: [${missing}, unsupported role reference kind: "Rolle"]`,
    ],
    ['nobody', user('carol', 'system:authenticated'), 'dev', false, ''],
    ['system:masters is nothing special', user('carol', 'system:masters'), 'dev', false, ''],
  ])('%s', (_name, who, namespace, allowed, reason) => {
    expect(authorizer.authorize(who, ask({ namespace }))).toEqual({ allowed, reason })
  })

  it('quotes like Go', () => {
    const name = 'a"\n\u0001\u00a0\u{1f600}é'
    const odd = createEmbeddedAuthorizer([
      {
        kind: 'ClusterRoleBinding',
        name: 'b',
        roleRef: { kind: 'ClusterRole', name },
        subjects: [subject('User', 'u')],
      },
    ])
    expect(odd.authorize(user('u'), ask({})).reason).toBe(
      'RBAC: clusterrole.rbac.authorization.k8s.io "a\\"\\n\\x01\\u00a0😀é" not found',
    )
  })

  it('of two objects with one name neither counts', () => {
    const twice = createEmbeddedAuthorizer([...objects, clusterRole('y', [getPods])])
    expect(twice.authorize(user('alice'), ask({ namespace: 'dev' })).allowed).toBe(false)
  })
})

describe('aggregation', () => {
  const aggregate = (name: string, label: string, labels: Record<string, string> = {}): ClusterRole => ({
    ...clusterRole(name, [rule({ verbs: ['delete'], apiGroups: [''], resources: ['pods'] })], labels),
    aggregation: [{ matchLabels: new Map([[label, 'true']]), matchExpressions: [] }],
  })
  const bind = (role: string): RbacObject => ({
    kind: 'ClusterRoleBinding',
    name: 'b',
    roleRef: { kind: 'ClusterRole', name: role },
    subjects: [subject('User', 'u')],
  })
  const allowed = (objects: readonly RbacObject[], verb: string) =>
    createEmbeddedAuthorizer(objects).authorize(user('u'), ask({ verb })).allowed

  const chain = [
    aggregate('admin', 'to-admin'),
    aggregate('edit', 'to-edit', { 'to-admin': 'true' }),
    clusterRole('view', [getPods], { 'to-edit': 'true' }),
  ]
  it('goes through chains', () => expect(allowed([...chain, bind('admin')], 'get')).toBe(true))
  it('replaces the rules of the role itself', () => expect(allowed([...chain, bind('admin')], 'delete')).toBe(false))
  it('survives cycles', () => {
    const cycle = [
      aggregate('a', 'x', { y: 'true' }),
      aggregate('b', 'y', { x: 'true' }),
      clusterRole('c', [getPods], { y: 'true' }),
    ]
    expect(allowed([...cycle, bind('a')], 'get')).toBe(true)
    expect(allowed([...cycle, bind('b')], 'get')).toBe(true)
    expect(allowed([...cycle, bind('a')], 'delete')).toBe(false)
  })
  it('a thousand roles that select each other are loaded at once', () => {
    const all = [{ matchLabels: new Map(), matchExpressions: [] }]
    const roles = Array.from({ length: 1000 }, (_, n) => ({ ...clusterRole(`a${n}`, []), aggregation: all }))
    const plain = Array.from({ length: 1000 }, (_, n) => clusterRole(`p${n}`, [{ ...getPods, verbs: [`v${n}`] }]))
    const start = performance.now()
    expect(allowed([...roles, ...plain, bind('a999')], 'v999')).toBe(true)
    // A second or so; minutes, where the cost of a cycle is the cube of its length.
    expect(performance.now() - start).toBeLessThan(15_000)
  })
  it('an empty selector selects all, requirements select by label', () => {
    const by = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', values: string[]) => [
      {
        ...aggregate('a', 'x'),
        aggregation: [{ matchLabels: new Map(), matchExpressions: [{ key: 'k', operator, values }] }],
      },
      clusterRole('c', [getPods], { k: 'v' }),
      bind('a'),
    ]
    expect(allowed(by('In', ['v']), 'get')).toBe(true)
    expect(allowed(by('In', ['w']), 'get')).toBe(false)
    expect(allowed(by('NotIn', ['v']), 'get')).toBe(false)
    expect(allowed(by('NotIn', ['w']), 'get')).toBe(true)
    expect(allowed(by('Exists', []), 'get')).toBe(true)
    expect(allowed(by('DoesNotExist', []), 'get')).toBe(false)
    const all = { ...aggregate('a', 'x'), aggregation: [{ matchLabels: new Map(), matchExpressions: [] }] }
    expect(allowed([all, clusterRole('c', [getPods]), bind('a')], 'get')).toBe(true)
  })
})

/** The specification once more, as plainly as it can be written: no index, no sets, rounds of aggregation. */
function naive(objects: readonly RbacObject[], who: UserInfo, what: ResourceAttributes): boolean {
  const rules = new Map<string, readonly PolicyRule[]>()
  const clusterRoles = objects.filter(object => object.kind === 'ClusterRole')
  for (const role of clusterRoles) rules.set(role.name, role.aggregation === undefined ? role.rules : [])
  for (let round = 0; round <= clusterRoles.length; round++) {
    for (const role of clusterRoles) {
      if (role.aggregation === undefined) continue
      const selectors = role.aggregation
      const chosen = clusterRoles.filter(
        other =>
          other.name !== role.name &&
          selectors.some(({ matchLabels }) =>
            [...matchLabels].every(([key, value]) => other.labels.get(key) === value),
          ),
      )
      rules.set(role.name, [...new Set(chosen.flatMap(({ name }) => rules.get(name) ?? []))])
    }
  }
  const full = what.subresource === '' ? what.resource : `${what.resource}/${what.subresource}`
  const covers = (one: PolicyRule): boolean =>
    (one.verbs.includes('*') || one.verbs.includes(what.verb)) &&
    (one.apiGroups.includes('*') || one.apiGroups.includes(what.group)) &&
    one.resources.some(
      resource =>
        resource === '*' || resource === full || (what.subresource !== '' && resource === `*/${what.subresource}`),
    ) &&
    (one.resourceNames.length === 0 || one.resourceNames.includes(what.name))
  return objects.some(binding => {
    if (binding.kind !== 'RoleBinding' && binding.kind !== 'ClusterRoleBinding') return false
    const home = binding.kind === 'RoleBinding' ? binding.namespace : ''
    if (binding.kind === 'RoleBinding' && (what.namespace === '' || home !== what.namespace)) return false
    const applies = binding.subjects.some(one => {
      if (one.kind === 'User') return one.name === who.username
      if (one.kind === 'Group') return who.groups.some(group => group === one.name)
      const namespace = one.namespace || home
      return (
        one.kind === 'ServiceAccount' &&
        namespace !== '' &&
        who.username === `system:serviceaccount:${namespace}:${one.name}`
      )
    })
    const local = objects.find(
      object => object.kind === 'Role' && object.namespace === home && object.name === binding.roleRef.name,
    )
    const found =
      binding.roleRef.kind === 'ClusterRole'
        ? (rules.get(binding.roleRef.name) ?? [])
        : binding.roleRef.kind === 'Role' && local?.kind === 'Role'
          ? local.rules
          : []
    return applies && found.some(covers)
  })
}

describe('agrees with the specification', () => {
  it('for any objects, user and request', () => {
    let allows = 0
    fc.assert(
      fc.property(anyObjects, anyUser, fc.array(anyRequest, { minLength: 8, maxLength: 8 }), (world, who, asked) => {
        const authorizer = createEmbeddedAuthorizer(world)
        for (const what of asked) {
          const expected = naive(world, who, what)
          if (expected) allows++
          expect(authorizer.authorize(who, what).allowed).toBe(expected)
        }
      }),
      { numRuns: 1500 },
    )
    expect(allows).toBeGreaterThan(100)
  })
})

it('bindings of others are not even looked at', () => {
  let looks = 0
  const binding = (n: number): RbacObject =>
    new Proxy<RbacObject>(
      {
        kind: 'ClusterRoleBinding',
        name: `b${n}`,
        roleRef: { kind: 'ClusterRole', name: 'y' },
        subjects: [subject('User', `u${n}`)],
      },
      {
        get: (target, field) => {
          looks++
          return Reflect.get(target, field)
        },
      },
    )
  const bindings = Array.from({ length: 1000 }, (_, n) => binding(n))
  const authorizer = createEmbeddedAuthorizer([clusterRole('y', [getPods]), ...bindings])
  looks = 0
  expect(authorizer.authorize(user('u999'), ask({})).allowed).toBe(true)
  expect(looks).toBeLessThan(10)
})
