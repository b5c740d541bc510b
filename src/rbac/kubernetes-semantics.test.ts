import { describe, expect, it } from 'vitest'
import type { UserInfo } from '../identity/principal.js'
import { createEmbeddedAuthorizer, type EmbeddedAuthorizer } from './embedded-authorizer.js'
import type { ResourceAttributes } from './operation.js'
import { ask, clusterBinding, clusterRole, getPods, roleBinding, rule, subject, user } from './rbac.fixture.js'
import type { ClusterRole, PolicyRule, RbacObject, Subject } from './rbac-objects.js'

// What the RBAC authorizer of Kubernetes does, sentence by sentence, each with the case beside it that is otherwise.

const alice = user('alice')
const toAlice = subject('User', 'alice')
const inDev = ask({ namespace: 'dev' })
const reader = clusterRole('reader', [getPods])
const readerRef = { kind: 'ClusterRole', name: 'reader' }

type Row = readonly [
  name: string,
  objects: readonly RbacObject[],
  who: UserInfo,
  what: ResourceAttributes,
  expected: false | string,
]

/** `false` for a plain denial; text that ends in "not found" or names a kind for a denial; else the reason that allows. */
function check(rows: readonly Row[]): void {
  it.each(rows)('%s', (_name, objects, who, what, expected) => {
    const { allowed, reason } = createEmbeddedAuthorizer(objects).authorize(who, what)
    const error = expected !== false && /not found|unsupported/.test(expected)
    expect({ allowed, reason }).toEqual({ allowed: expected !== false && !error, reason: expected || '' })
  })
}

describe('1. which bindings are asked', () => {
  const cluster = clusterBinding('c', 'reader', toAlice)
  const local = roleBinding('l', 'dev', readerRef, toAlice)
  const byCluster = 'RBAC: allowed by ClusterRoleBinding "c" of ClusterRole "reader" to User "alice"'
  const byLocal = 'RBAC: allowed by RoleBinding "l/dev" of ClusterRole "reader" to User "alice"'
  check([
    ['a ClusterRoleBinding without namespace', [reader, cluster], alice, ask({}), byCluster],
    ['a ClusterRoleBinding in any namespace', [reader, cluster], alice, ask({ namespace: 'anything' }), byCluster],
    ['a RoleBinding in its namespace', [reader, local], alice, inDev, byLocal],
    ['not in another', [reader, local], alice, ask({ namespace: 'prod' }), false],
    ['nor in one that only begins like it', [reader, local], alice, ask({ namespace: 'dev2' }), false],
    ['nor without namespace', [reader, local], alice, ask({}), false],
    ['ClusterRoleBindings come first', [reader, local, cluster], alice, inDev, byCluster],
    [
      'a binding of which no rule matches is passed over',
      [reader, clusterRole('none', []), clusterBinding('a', 'none', toAlice), cluster],
      alice,
      inDev,
      byCluster,
    ],
    ['no binding at all: no opinion, no reason', [reader], alice, inDev, false],
    [
      'several errors are aggregated, each once',
      [
        clusterBinding('a', 'gone', toAlice),
        clusterBinding('b', 'gone', toAlice),
        clusterBinding('c', 'lost', toAlice),
      ],
      alice,
      inDev,
      'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, clusterrole.rbac.authorization.k8s.io "lost" not found]',
    ],
    [
      'an allow hides the errors before it',
      [reader, clusterBinding('a', 'gone', toAlice), cluster],
      alice,
      inDev,
      byCluster,
    ],
  ])
  it('of several that allow it is the first by name, by code points, whatever the order of documents', () => {
    const names = ['\u{1f600}', '\ufb01', 'b', 'a']
    const bindings = names.map(name => clusterBinding(name, 'reader', toAlice))
    while (bindings.length > 0) {
      const first = [...bindings].reverse()[0]?.name
      for (const objects of [
        [reader, ...bindings],
        [...[...bindings].reverse(), reader],
      ])
        expect(createEmbeddedAuthorizer(objects).authorize(alice, inDev).reason).toContain(`"${first}"`)
      bindings.pop()
    }
  })
})

describe('2. whom a binding means', () => {
  const bot = 'system:serviceaccount:dev:bot'
  const to = (...subjects: Subject[]) => [reader, roleBinding('b', 'dev', readerRef, ...subjects)]
  const everywhere = (...subjects: Subject[]) => [reader, clusterBinding('b', 'reader', ...subjects)]
  const by = (whom: string) => `RBAC: allowed by RoleBinding "b/dev" of ClusterRole "reader" to ${whom}`
  const byCluster = (whom: string) => `RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "reader" to ${whom}`
  const [carol, ops] = [subject('User', 'carol'), subject('Group', 'ops')]
  check([
    ['any subject suffices', to(carol, toAlice), alice, inDev, by('User "alice"')],
    ['none: denied', to(carol), alice, inDev, false],
    ['the first that matches is named', to(ops, toAlice), user('alice', 'ops'), inDev, by('Group "ops"')],
    ['the same in the other order', to(toAlice, ops), user('alice', 'ops'), inDev, by('User "alice"')],
    ['a user by its name', to(subject('User', 'a b')), user('a b'), inDev, by('User "a b"')],
    ['users are case-sensitive', to(subject('User', 'Alice')), alice, inDev, false],
    ['* is a name for users', to(subject('User', '*')), alice, inDev, false],
    ['and means the user *', to(subject('User', '*')), user('*'), inDev, by('User "*"')],
    ['a user is no group', to(subject('Group', 'alice')), alice, inDev, false],
    ['a group is no user', to(subject('User', 'ops')), user('alice', 'ops'), inDev, false],
    ['membership by equality', to(ops), user('alice', 'dev', 'ops'), inDev, by('Group "ops"')],
    ['no prefix of a group', to(ops), user('alice', 'ops2', 'Ops'), inDev, false],
    ['* is a name for groups', to(subject('Group', '*')), user('alice', 'ops'), inDev, false],
    [
      'an account with namespace',
      everywhere(subject('ServiceAccount', 'bot', 'dev')),
      user(bot),
      ask({}),
      byCluster('ServiceAccount "bot/dev"'),
    ],
    [
      'an account of another namespace',
      everywhere(subject('ServiceAccount', 'bot', 'prod')),
      user(bot),
      ask({}),
      false,
    ],
    [
      'an account in the namespace of the RoleBinding',
      to(subject('ServiceAccount', 'bot')),
      user(bot),
      inDev,
      by('ServiceAccount "bot/dev"'),
    ],
    ['its own namespace wins', to(subject('ServiceAccount', 'bot', 'prod')), user(bot), inDev, false],
    [
      'an account of elsewhere',
      to(subject('ServiceAccount', 'bot', 'prod')),
      user('system:serviceaccount:prod:bot'),
      inDev,
      by('ServiceAccount "bot/prod"'),
    ],
    [
      'an account without namespace in a ClusterRoleBinding',
      everywhere(subject('ServiceAccount', 'bot')),
      user(bot),
      inDev,
      false,
    ],
    [
      'nor the account of no namespace',
      everywhere(subject('ServiceAccount', 'bot')),
      user('system:serviceaccount::bot'),
      ask({}),
      false,
    ],
    ['a user that is called like an account', to(subject('User', bot)), user(bot), inDev, by(`User "${bot}"`)],
    ['an account is not a user of its short name', to(subject('ServiceAccount', 'alice')), alice, inDev, false],
    ['another kind', to(subject('Robot', 'alice')), alice, inDev, false],
    ['kinds are case-sensitive', to(subject('user', 'alice')), alice, inDev, false],
    [
      'uid and extra are not looked at',
      to(toAlice),
      { ...alice, uid: 'x', extra: new Map([['a', ['b']]]) },
      inDev,
      by('User "alice"'),
    ],
    ['uid is no name', to(subject('User', 'x')), { ...alice, uid: 'x' }, inDev, false],
    ['nobody', to(), alice, inDev, false],
  ])
})

describe('3. the role of a binding', () => {
  const role = (namespace: string, rules: readonly PolicyRule[] = [getPods]): RbacObject => ({
    kind: 'Role',
    name: 'r',
    namespace,
    rules,
  })
  const to = (kind: string, name = 'r') => roleBinding('b', 'dev', { kind, name }, toAlice)
  const missing = (kind: string, name: string) => `RBAC: ${kind}.rbac.authorization.k8s.io "${name}" not found`
  check([
    [
      'a Role of the same namespace',
      [role('dev'), to('Role')],
      alice,
      inDev,
      'RBAC: allowed by RoleBinding "b/dev" of Role "r" to User "alice"',
    ],
    ['a Role of another', [role('prod'), to('Role')], alice, inDev, missing('role', 'r')],
    [
      'a ClusterRole from a RoleBinding',
      [reader, to('ClusterRole', 'reader')],
      alice,
      inDev,
      'RBAC: allowed by RoleBinding "b/dev" of ClusterRole "reader" to User "alice"',
    ],
    ['a Role is no ClusterRole', [role('dev'), to('ClusterRole')], alice, inDev, missing('clusterrole', 'r')],
    ['a ClusterRole is no Role', [reader, to('Role', 'reader')], alice, inDev, missing('role', 'reader')],
    [
      'a Role from a ClusterRoleBinding',
      [role('dev'), { ...clusterBinding('b', 'r', toAlice), roleRef: { kind: 'Role', name: 'r' } }],
      alice,
      inDev,
      missing('role', 'r'),
    ],
    [
      'another kind',
      [reader, to('clusterrole', 'reader')],
      alice,
      inDev,
      'RBAC: unsupported role reference kind: "clusterrole"',
    ],
    [
      'a missing role is an error of that binding only',
      [role('dev'), to('Role'), clusterBinding('a', 'gone', toAlice)],
      alice,
      inDev,
      'RBAC: allowed by RoleBinding "b/dev" of Role "r" to User "alice"',
    ],
    [
      'an error of a binding that does not apply is none',
      [clusterBinding('a', 'gone', subject('User', 'bob'))],
      alice,
      inDev,
      false,
    ],
    ['a role without rules is there', [role('dev', []), to('Role')], alice, inDev, false],
  ])
})

describe('4. what a rule allows', () => {
  const rows: readonly (readonly [string, Partial<PolicyRule>, Partial<ResourceAttributes>, boolean])[] = [
    ['all four fit', { resourceNames: ['a'] }, { name: 'a' }, true],
    ['the verb does not', {}, { verb: 'list' }, false],
    ['the group does not', {}, { group: 'apps' }, false],
    ['the resource does not', {}, { resource: 'nodes' }, false],
    ['the name does not', { resourceNames: ['a'] }, { name: 'b' }, false],
    ['verb *', { verbs: ['*'] }, { verb: 'call me maybe' }, true],
    ['verb * among others', { verbs: ['get', '*'] }, { verb: 'delete' }, true],
    ['verbs are case-sensitive', {}, { verb: 'Get' }, false],
    ['a request for the verb * needs *', {}, { verb: '*' }, false],
    ['and has it', { verbs: ['*'] }, { verb: '*' }, true],
    ['verb g* is no pattern', { verbs: ['g*'] }, {}, false],
    ['group *', { apiGroups: ['*'] }, { group: 'apps' }, true],
    ['the core group is the empty text', { apiGroups: ['apps'] }, {}, false],
    ['one of several groups', { apiGroups: ['apps', ''] }, {}, true],
    ['resource *', { resources: ['*'] }, { resource: 'nodes' }, true],
    ['resource * with a subresource', { resources: ['*'] }, { subresource: 'status' }, true],
    ['a subresource by its full name', { resources: ['pods/log'] }, { subresource: 'log' }, true],
    ['and no other', { resources: ['pods/log'] }, { subresource: 'status' }, false],
    ['a subresource is not the resource', { resources: ['pods/log'] }, {}, false],
    ['pods does not cover pods/status', {}, { subresource: 'status' }, false],
    ['*/sub on any resource', { resources: ['*/scale'] }, { resource: 'anything', subresource: 'scale' }, true],
    ['*/sub on no other subresource', { resources: ['*/scale'] }, { subresource: 'status' }, false],
    ['*/sub not on the resource', { resources: ['*/scale'] }, {}, false],
    ['*/sub not on one that ends like it', { resources: ['*/scale'] }, { subresource: 'upscale' }, false],
    ['pods/* is no pattern', { resources: ['pods/*'] }, { subresource: 'log' }, false],
    ['it is the subresource *', { resources: ['pods/*'] }, { subresource: '*' }, true],
    ['a slash in the resource of a request', { resources: ['servers/tools'] }, { resource: 'servers/tools' }, true],
    ['no names: any name', {}, { name: 'anything' }, true],
    ['no names: no name', {}, {}, true],
    ['names, and a request without one', { resourceNames: ['a'] }, {}, false],
    ['* is a literal name', { resourceNames: ['*'] }, { name: 'a' }, false],
    ['and matches it', { resourceNames: ['*'] }, { name: '*' }, true],
    ['no pattern in names', { resourceNames: ['a*'] }, { name: 'ab' }, false],
    [
      'a list request with the name of its field selector',
      { verbs: ['list'], resourceNames: ['a'] },
      { verb: 'list', name: 'a' },
      true,
    ],
    ['a list request without', { verbs: ['list'], resourceNames: ['a'] }, { verb: 'list' }, false],
    ['a create request', { verbs: ['create'], resourceNames: ['a'] }, { verb: 'create' }, false],
    ['no verbs', { verbs: [] }, {}, false],
    ['no groups', { apiGroups: [] }, {}, false],
    ['no resources', { resources: [] }, {}, false],
  ]
  it.each(rows)('%s', (_name, parts, what, expected) => {
    const only = clusterRole('r', [rule({ verbs: ['get'], apiGroups: [''], resources: ['pods'], ...parts })])
    const authorizer = createEmbeddedAuthorizer([only, clusterBinding('b', 'r', toAlice)])
    expect(authorizer.authorize(alice, ask(what)).allowed).toBe(expected)
  })
})

describe('5. requests for URLs', () => {
  const giving = (...nonResourceURLs: string[]): EmbeddedAuthorizer => {
    const role = clusterRole('r', [rule({ verbs: ['get'], nonResourceURLs })])
    return createEmbeddedAuthorizer([role, clusterBinding('b', 'r', toAlice)])
  }
  it.each([
    ['equal', '/healthz', '/healthz', true],
    ['case', '/healthz', '/Healthz', false],
    ['no prefix without *', '/healthz', '/healthz/etcd', false],
    ['* is everything', '*', '/any/thing', true],
    ['/* at the end', '/api/*', '/api/v1', true],
    ['what stands before it has to be there', '/api/*', '/api', false],
    ['* in the middle of a segment', '/ap*', '/apis', true],
    ['all stars at the end are stripped', '/a***', '/ab/c', true],
    ['a star elsewhere is a letter', '/a*b', '/axb', false],
    ['and matches itself', '/a*b', '/a*b', true],
    ['another verb', '/healthz', '/healthz', false, 'post'],
  ])('%s', (_name, given, path, expected, verb = 'get') => {
    expect(giving(given).authorizeUrl(alice, { verb, path }).allowed).toBe(expected)
  })
  it('says who gave it, and what is broken', () => {
    expect(giving('/x').authorizeUrl(alice, { verb: 'get', path: '/x' }).reason).toBe(
      'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "alice"',
    )
    const broken = createEmbeddedAuthorizer([clusterBinding('b', 'gone', toAlice)])
    expect(broken.authorizeUrl(alice, { verb: 'get', path: '/x' })).toEqual({
      allowed: false,
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    })
  })
  it('are not given by RoleBindings', () => {
    const role = clusterRole('r', [rule({ verbs: ['get'], nonResourceURLs: ['*'] })])
    const authorizer = createEmbeddedAuthorizer([
      role,
      roleBinding('b', 'dev', { kind: 'ClusterRole', name: 'r' }, toAlice),
    ])
    expect(authorizer.authorizeUrl(alice, { verb: 'get', path: '/x' }).allowed).toBe(false)
  })
})

it('6. a rule with resources and URLs counts for each kind of request on its own', () => {
  const both = rule({
    verbs: ['get'],
    apiGroups: [''],
    resources: ['pods'],
    resourceNames: ['a'],
    nonResourceURLs: ['/x'],
  })
  const authorizer = createEmbeddedAuthorizer([clusterRole('r', [both]), clusterBinding('b', 'r', toAlice)])
  expect(authorizer.authorize(alice, ask({ name: 'a' })).allowed).toBe(true)
  expect(authorizer.authorize(alice, ask({ name: '/x' })).allowed).toBe(false)
  expect(authorizer.authorizeUrl(alice, { verb: 'get', path: '/x' }).allowed).toBe(true)
  expect(authorizer.authorizeUrl(alice, { verb: 'get', path: 'a' }).allowed).toBe(false)
})

describe('7. what is wrong with ClusterRoleBindings does not stop RoleBindings', () => {
  const broken = clusterBinding('a', 'gone', toAlice)
  check([
    [
      'allowed',
      [reader, broken, roleBinding('b', 'dev', readerRef, toAlice)],
      alice,
      inDev,
      'RBAC: allowed by RoleBinding "b/dev" of ClusterRole "reader" to User "alice"',
    ],
    [
      'denied, with both errors in this order',
      [broken, roleBinding('0', 'dev', { kind: 'Role', name: 'lost' }, toAlice)],
      alice,
      inDev,
      'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "lost" not found]',
    ],
    [
      'elsewhere only its own',
      [broken, roleBinding('0', 'dev', { kind: 'Role', name: 'lost' }, toAlice)],
      alice,
      ask({ namespace: 'prod' }),
      'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    ],
  ])
})

describe('8. groups with a meaning', () => {
  const everybody = clusterBinding('b', 'reader', subject('Group', 'system:authenticated'))
  const by = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "reader" to Group "system:authenticated"'
  check([
    ['system:masters is nothing to RBAC', [reader], user('alice', 'system:masters'), inDev, false],
    ['system:authenticated is a plain group', [reader, everybody], user('alice', 'system:authenticated'), inDev, by],
    ['that nobody adds here', [reader, everybody], alice, inDev, false],
    [
      'system:unauthenticated is another',
      [reader, everybody],
      user('system:anonymous', 'system:unauthenticated'),
      ask({}),
      false,
    ],
  ])
})

describe('9. aggregation', () => {
  const labelled = (name: string, label: string, verb: string): ClusterRole =>
    clusterRole(name, [rule({ verbs: [verb], apiGroups: [''], resources: ['pods'] })], { [label]: 'true' })
  const aggregated = (name: string, labels: readonly string[], own: Record<string, string> = {}): ClusterRole => ({
    ...clusterRole(name, [rule({ verbs: ['own'], apiGroups: [''], resources: ['pods'] })], own),
    aggregation: labels.map(label => ({ matchLabels: new Map([[label, 'true']]), matchExpressions: [] })),
  })
  const roles = [
    aggregated('top', ['to-top', 'also-to-top'], { 'to-top': 'true' }),
    aggregated('middle', ['to-middle'], { 'to-top': 'true' }),
    labelled('a', 'to-top', 'get'),
    labelled('b', 'also-to-top', 'list'),
    labelled('c', 'to-middle', 'watch'),
    labelled('d', 'to-nothing', 'delete'),
  ]
  const authorizer = createEmbeddedAuthorizer([
    ...roles,
    clusterBinding('x', 'top', toAlice),
    clusterBinding('y', 'middle', subject('User', 'bob')),
  ])
  it.each([
    ['rules of roles that a selector selects', 'alice', 'get', true],
    ['of each selector', 'alice', 'list', true],
    ['over another aggregated role', 'alice', 'watch', true],
    ['not of roles that none selects', 'alice', 'delete', false],
    ['in place of its own', 'alice', 'own', false],
    ['and not in the other direction', 'bob', 'get', false],
    ['the one in between has its own', 'bob', 'watch', true],
  ])('%s', (_name, who, verb, expected) => {
    expect(authorizer.authorize(user(who), ask({ verb })).allowed).toBe(expected)
  })
  it('takes each rule once, in the order of the names', () => {
    const twice = [...roles, labelled('e', 'to-top', 'get')]
    const { resourceRules } = createEmbeddedAuthorizer([...twice, clusterBinding('x', 'top', toAlice)]).whatCan(alice)
    expect(resourceRules.map(({ verbs }) => verbs.join()).sort()).toEqual(['get', 'list', 'watch'])
  })
})
