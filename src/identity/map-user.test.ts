import { describe, expect, it } from 'vitest'
import { authenticationYaml, claimsOf, configurationOf, issuerUrl } from './identity.fixture.js'
import { mapUser } from './map-user.js'

const plain = 'username: { claim: sub, prefix: "" }'

/** The mapped user, or the reason and message of the refusal. */
function map(claims: Readonly<Record<string, unknown>>, mappings = plain, rules = '') {
  const text = authenticationYaml(
    `- issuer: { url: "${issuerUrl}", audiences: [a] }\n  claimMappings: { ${mappings} }\n${rules}`,
  )
  const issuer = configurationOf(text).issuers.get(issuerUrl)
  if (issuer === undefined) throw new Error('no issuer')
  const mapped = mapUser(claimsOf(claims), issuer.configuration)
  return mapped.ok ? mapped.user : mapped
}

describe('username', () => {
  it.each([
    ['claim', plain, { sub: 'alice' }, 'alice'],
    ['claim with prefix', 'username: { claim: sub, prefix: "idp:" }', { sub: 'alice' }, 'idp:alice'],
    [
      'a prefix that takes the sting out',
      'username: { claim: sub, prefix: "idp:" }',
      { sub: 'system:admin' },
      'idp:system:admin',
    ],
    ['expression', `username: { expression: 'claims.sub + "@" + claims.realm' }`, { sub: 'a', realm: 'b' }, 'a@b'],
    ['an optional claim', `username: { expression: 'claims.?nick.orValue(claims.sub)' }`, { sub: 'alice' }, 'alice'],
    ['verified e-mail', 'username: { claim: email, prefix: "" }', { email: 'a@b', email_verified: true }, 'a@b'],
    ['e-mail of an issuer that says nothing', 'username: { claim: email, prefix: "" }', { email: 'a@b' }, 'a@b'],
  ])('%s', (_, mappings, claims, username) => {
    expect(map(claims, mappings)).toMatchObject({ username })
  })

  it.each([
    ['absent', plain, {}, 'identity.claims'],
    ['a number', plain, { sub: 7 }, 'identity.claims'],
    ['a list', plain, { sub: ['alice'] }, 'identity.claims'],
    ['empty', plain, { sub: '' }, 'identity.claims'],
    ['an expression that is empty', 'username: { expression: claims.sub }', { sub: '' }, 'identity.claims'],
    ['an expression that is a number', 'username: { expression: claims.sub }', { sub: 1 }, 'identity.claims'],
    ['an expression that fails', 'username: { expression: claims.x }', { sub: 'a' }, 'identity.claims'],
    [
      'unverified e-mail',
      'username: { claim: email, prefix: "" }',
      { email: 'a@b', email_verified: false },
      'identity.claims',
    ],
    [
      'e-mail verified in words',
      'username: { claim: email, prefix: "" }',
      { email: 'a@b', email_verified: 'true' },
      'identity.claims',
    ],
    [
      'e-mail verified null',
      'username: { claim: email, prefix: "" }',
      { email: 'a@b', email_verified: null },
      'identity.claims',
    ],
    ['of the system', plain, { sub: 'system:admin' }, 'identity.reserved_name'],
    ['of the system, by prefix', 'username: { claim: sub, prefix: "system:" }', { sub: 'x' }, 'identity.reserved_name'],
    ['of a service account', plain, { sub: 'system:serviceaccount:a:b' }, 'identity.reserved_name'],
    [
      'of the system, by expression',
      `username: { expression: '"system:" + claims.sub' }`,
      { sub: 'kube' },
      'identity.reserved_name',
    ],
    ['of an agent', plain, { sub: 'agent:acme:sre-agent' }, 'identity.reserved_name'],
  ])('refuses one that is %s', (_, mappings, claims, reason) => {
    expect(map(claims, mappings)).toMatchObject({ ok: false, reason })
  })
})

describe('groups', () => {
  const claim = `${plain}, groups: { claim: groups, prefix: "idp:" }`
  const expression = `${plain}, groups: { expression: claims.groups }`

  it.each([
    ['absent', claim, {}, []],
    ['null', claim, { groups: null }, []],
    ['one text', claim, { groups: 'a' }, ['idp:a']],
    ['a list', claim, { groups: ['a', 'b'] }, ['idp:a', 'idp:b']],
    ['an empty text in a list', claim, { groups: [''] }, ['idp:']],
    ['the system, with prefix', claim, { groups: ['system:masters'] }, ['idp:system:masters']],
    ['an expression, list', expression, { groups: ['a', '', 'b'] }, ['a', 'b']],
    ['an expression, text', expression, { groups: 'a' }, ['a']],
    ['an expression, empty text', expression, { groups: '' }, []],
    ['an expression, null', expression, { groups: null }, []],
    ['split', `${plain}, groups: { expression: 'claims.groups.split(" ")' }`, { groups: 'a b' }, ['a', 'b']],
  ])('%s', (_, mappings, claims, groups) => {
    expect(map({ sub: 'alice', ...claims }, mappings)).toMatchObject({ groups: [...groups, 'system:authenticated'] })
  })

  it.each([
    ['a number', claim, { groups: 1 }, 'identity.claims'],
    ['a list with a number', claim, { groups: ['a', 1] }, 'identity.claims'],
    ['an object', claim, { groups: { a: 1 } }, 'identity.claims'],
    [
      'a distributed claim',
      claim,
      { _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } },
      'identity.claims',
    ],
    ['an expression that fails', expression, {}, 'identity.claims'],
    ['an expression with numbers', expression, { groups: [1] }, 'identity.claims'],
    [
      'system:masters',
      `${plain}, groups: { claim: groups, prefix: "" }`,
      { groups: ['a', 'system:masters'] },
      'identity.reserved_name',
    ],
    ['system:authenticated', expression, { groups: ['system:authenticated'] }, 'identity.reserved_name'],
  ])('refuses %s', (_, mappings, claims, reason) => {
    expect(map({ sub: 'alice', ...claims }, mappings)).toMatchObject({ ok: false, reason })
  })
})

describe('uid and extra', () => {
  it('uid is empty without a mapping, and must be there with one', () => {
    expect(map({ sub: 'alice' })).toMatchObject({ uid: '' })
    expect(map({ sub: 'alice', oid: '7' }, `${plain}, uid: { claim: oid }`)).toMatchObject({ uid: '7' })
    expect(map({ sub: 'alice', oid: '7' }, `${plain}, uid: { expression: '"x" + claims.oid' }`)).toMatchObject({
      uid: 'x7',
    })
    expect(map({ sub: 'alice' }, `${plain}, uid: { claim: oid }`)).toMatchObject({
      ok: false,
      reason: 'identity.claims',
    })
    expect(map({ sub: 'alice', oid: 7 }, `${plain}, uid: { claim: oid }`)).toMatchObject({
      ok: false,
      reason: 'identity.claims',
    })
  })

  it.each([
    ['text', 'x', ['x']],
    ['list', ['x', '', 'y'], ['x', 'y']],
    ['empty text', '', undefined],
    ['empty list', [], undefined],
    ['null', null, undefined],
  ])('extra from %s', (_, x, expected) => {
    const mapped = map({ sub: 'alice', x }, `${plain}, extra: [{ key: example.org/x, valueExpression: claims.x }]`)
    expect('extra' in mapped && mapped.extra.get('example.org/x')).toEqual(expected)
  })

  it('extra that is no text refuses', () => {
    expect(
      map({ sub: 'alice', x: 1 }, `${plain}, extra: [{ key: example.org/x, valueExpression: claims.x }]`),
    ).toMatchObject({ reason: 'identity.claims' })
    expect(map({ sub: 'alice' }, `${plain}, extra: [{ key: example.org/x, valueExpression: claims.x }]`)).toMatchObject(
      { reason: 'identity.claims' },
    )
  })

  it('the token id becomes the credential id', () => {
    const mapped = map({ sub: 'alice', jti: 'j' })
    expect('extra' in mapped && [...mapped.extra]).toEqual([['authentication.kubernetes.io/credential-id', ['JTI=j']]])
  })
})

describe('rules', () => {
  const claimRules =
    '  claimValidationRules: [{ claim: hd, requiredValue: acme }, { expression: "claims.level > 1", message: too low }]'
  const userRules =
    '  userValidationRules: [{ expression: "user.groups.all(g, g != \'banned\')", message: banned }, { expression: "user.extra.size() == 0" }]'
  const groups = `${plain}, groups: { claim: groups, prefix: "" }`

  it.each([
    ['all hold', { hd: 'acme', level: 2 }, claimRules, undefined, undefined],
    ['a required value that is another', { hd: 'x', level: 2 }, claimRules, 'identity.claim_rule', 'The claim "hd"'],
    [
      'a required value that is a list',
      { hd: ['acme'], level: 2 },
      claimRules,
      'identity.claim_rule',
      'The claim "hd"',
    ],
    ['a required value that is absent', { level: 2 }, claimRules, 'identity.claim_rule', 'The claim "hd"'],
    [
      'an empty required value that is absent',
      {},
      '  claimValidationRules: [{ claim: x }]',
      'identity.claim_rule',
      'The claim "x"',
    ],
    ['a false expression', { hd: 'acme', level: 1 }, claimRules, 'identity.claim_rule', 'too low'],
    ['an expression that fails', { hd: 'acme' }, claimRules, 'identity.claim_rule', 'too low'],
    ['a user rule', { groups: ['banned'] }, userRules, 'identity.user_rule', 'banned'],
    ['a user rule without a message', { jti: 'x' }, userRules, 'identity.user_rule', 'user rule 2'],
    ['claims before user', { groups: ['banned'] }, `${claimRules}\n${userRules}`, 'identity.claim_rule', 'hd'],
  ])('%s', (_, claims, rules, reason, message) => {
    const mapped = map({ sub: 'alice', ...claims }, groups, rules)
    if (reason === undefined) expect(mapped).toMatchObject({ username: 'alice' })
    else expect(mapped).toMatchObject({ ok: false, reason, message: expect.stringContaining(message ?? '') })
  })
})

describe('a token with too much in it is refused before its names go anywhere', () => {
  const everything =
    'username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" }, uid: { claim: uid }, extra: [{ key: acme.example/x, valueExpression: "has(claims.x) ? claims.x : []" }]'
  const fits = 'x'.repeat(256)
  const many = (count: number) => Array.from({ length: count }, (_, index) => `g${index}`)

  it.each([
    ['names that just fit', { sub: fits, uid: fits, groups: [fits], x: [fits] }],
    ['as many groups as fit', { sub: 'alice', groups: many(500) }],
  ])('but not %s', (_, claims) => {
    expect(map({ uid: 'u', ...claims }, everything)).toMatchObject({ username: claims.sub })
  })

  it.each([
    ['a user name', { sub: `${fits}x` }, 'The user name of this token is longer than 256 characters.'],
    ['a uid', { sub: 'alice', uid: `${fits}x` }, 'The uid of this token is longer than 256 characters.'],
    ['a group', { sub: 'alice', groups: ['a', `${fits}x`] }, 'One of the groups'],
    ['many groups', { sub: 'alice', groups: many(501) }, 'more than 500 groups'],
    ['a value of an extra', { sub: 'alice', x: `${fits}x` }, 'One of the values of the extra "acme.example/x"'],
    ['many values of an extra', { sub: 'alice', x: many(501) }, 'more than 500 values of the extra'],
    ['a long id of the token', { sub: 'alice', jti: fits }, 'credential-id'],
  ])('%s', (_, claims, message) => {
    expect(map({ uid: 'u', ...claims }, everything)).toEqual({
      ok: false,
      reason: 'identity.claims',
      message: expect.stringContaining(message),
    })
  })
})

describe('names of the system, which a token never brings along', () => {
  const serviceAccount = `username: { expression: '"system:serviceaccount:" + claims["kubernetes.io"].namespace + ":" + claims["kubernetes.io"].serviceaccount.name' }, groups: { expression: '["system:serviceaccounts", "system:serviceaccounts:" + claims["kubernetes.io"].namespace]' }`
  const claims = {
    sub: 'system:serviceaccount:tenant-a:agent',
    'kubernetes.io': { namespace: 'tenant-a', serviceaccount: { name: 'agent' } },
  }

  it('but a configuration may say, as for ServiceAccounts of the own cluster', () => {
    expect(map(claims, serviceAccount)).toMatchObject({
      username: 'system:serviceaccount:tenant-a:agent',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:tenant-a', 'system:authenticated'],
    })
    expect(map(claims)).toMatchObject({ reason: 'identity.reserved_name' })
  })

  const groups = (expression: string) => `${plain}, groups: { expression: '${expression}' }`
  it.each([
    ['a group that is written out', groups('["system:masters"]'), {}, ['system:masters']],
    ['one of two', groups('claims.admin ? "system:masters" : "staff"'), { admin: true }, ['system:masters']],
    ['the other of two', groups('claims.admin ? "system:masters" : "staff"'), { admin: false }, ['staff']],
    [
      'beside groups of the token',
      groups('claims.groups + ["system:monitoring"]'),
      { groups: ['staff', ''] },
      ['staff', 'system:monitoring'],
    ],
    [
      'made of each',
      groups('claims.groups.map(g, "system:idp:" + g)'),
      { groups: ['a', 'b'] },
      ['system:idp:a', 'system:idp:b'],
    ],
    ['raw', groups('r"system:masters"'), {}, ['system:masters']],
    ['in three quotes', groups('"""system:masters"""'), {}, ['system:masters']],
    ['where there is no other', groups('claims.?role.orValue("system:viewers")'), {}, ['system:viewers']],
    ['formatted', groups('"system:idp:%s".format([claims.role])'), { role: 'x' }, ['system:idp:x']],
    [
      'a prefix that names what it makes',
      `${plain}, groups: { claim: groups, prefix: "system:idp:" }`,
      { groups: ['a'] },
      ['system:idp:a'],
    ],
  ])('%s', (_, mappings, added, expected) => {
    const user = map({ sub: 'alice', ...added }, mappings)
    expect(user).toMatchObject({ username: 'alice', groups: [...expected, 'system:authenticated'] })
  })

  it('system:authenticated is there once', () => {
    expect(map({ sub: 'a' }, groups('["system:authenticated"]'))).toMatchObject({ groups: ['system:authenticated'] })
  })

  it.each([
    [
      'from the token beside one that is written out',
      groups('claims.groups + ["system:a"]'),
      { groups: ['system:masters'] },
    ],
    [
      'the same as is written out',
      groups('claims.admin ? ["system:masters"] : claims.groups'),
      { admin: false, groups: ['system:masters'] },
    ],
    ['that goes on where the written one ends', groups('claims.groups + ["system:a"]'), { groups: ['system:ab'] }],
    ['with more behind a written one', groups('"system:mast" + claims.x'), { x: 'ers' }],
    ['put together', groups('claims.a + claims.b'), { a: 'sys', b: 'tem:masters' }],
    [
      'put together beside a written one',
      groups('["system:a", string(claims.a) + string(claims.b)]'),
      { a: 'system', b: ':masters' },
    ],
    ['behind nothing but the prefix', groups('"system:" + claims.x'), { x: 'masters' }],
    ['that is compared only', groups('claims.x == "system:masters" ? claims.x : "y"'), { x: 'system:masters' }],
    ['with marks in it', groups('["system:a", string(claims.x)]'), { x: 'system:\uE000masters' }],
    ['by claim and the bare prefix', `${plain}, groups: { claim: groups, prefix: "system:" }`, { groups: ['masters'] }],
    [
      'by claim and a prefix without a colon',
      `${plain}, groups: { claim: groups, prefix: "system:mast" }`,
      { groups: ['ers'] },
    ],
    ['chosen by the token', groups('claims.groups.filter(g, g in ["system:masters"])'), { groups: ['system:masters'] }],
  ])('refuses one %s', (_, mappings, added) => {
    expect(map({ sub: 'alice', ...added }, mappings)).toMatchObject({ ok: false, reason: 'identity.reserved_name' })
  })
})

describe('the order of the API server', () => {
  const mappings =
    'username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" }, uid: { claim: oid }, extra: [{ key: e.org/x, valueExpression: claims.x }]'
  const rules =
    '  claimValidationRules: [{ expression: "claims.level > 1", message: level }, { claim: hd, requiredValue: acme }]\n  userValidationRules: [{ expression: "user.uid != \'banned\'", message: banned }]'

  // Each row mends what the row before fails for.
  it.each([
    [{ groups: 1, hd: 'x' }, 'username'],
    [{ sub: 'a', groups: 1, hd: 'x' }, 'groups'],
    [{ sub: 'a', hd: 'x' }, 'uid'],
    [{ sub: 'a', oid: 'banned', hd: 'x' }, 'extra'],
    [{ sub: 'a', oid: 'banned', hd: 'x', x: '' }, 'The claim "hd"'],
    [{ sub: 'a', oid: 'banned', hd: 'acme', x: '' }, 'level'],
    [{ sub: 'a', oid: 'banned', hd: 'acme', x: '', level: 2 }, 'banned'],
  ])('%j fails for its %s', (claims, message) => {
    expect(map(claims, mappings, rules)).toMatchObject({ ok: false, message: expect.stringContaining(message) })
  })

  it('comes to an end', () => {
    expect(map({ sub: 'a', oid: 'b', hd: 'acme', x: '', level: 2 }, mappings, rules)).toMatchObject({ username: 'a' })
  })
})

describe('what the API server does and what it does not', () => {
  const email = 'username: { expression: claims.email }'
  const verified = '  claimValidationRules: [{ expression: "claims.?email_verified.orValue(true) == true" }]'

  it.each([
    ['an empty value is required and there', plain, { hd: '' }, '  claimValidationRules: [{ claim: hd }]', 'a'],
    [
      'an unverified e-mail by expression',
      email,
      { email: 'a@b', email_verified: false },
      verified,
      'identity.claim_rule',
    ],
    ['a verified e-mail by expression', email, { email: 'a@b', email_verified: true }, verified, 'a@b'],
    [
      'a distributed claim that is not wanted',
      `${plain}, groups: { claim: roles, prefix: "" }`,
      { _claim_names: { groups: 's' }, _claim_sources: { s: { endpoint: 'https://169.254.169.254/' } } },
      '',
      'a',
    ],
    [
      'a distributed claim that is also there',
      `${plain}, groups: { claim: groups, prefix: "" }`,
      { groups: [], _claim_names: { groups: 's' } },
      '',
      'a',
    ],
    [
      'names of distributed claims that are none',
      `${plain}, groups: { claim: groups, prefix: "" }`,
      { _claim_names: 'groups' },
      '',
      'a',
    ],
    ['a token id that is no text', plain, { jti: 7 }, '', 'a'],
    [
      'a claim by its escaped name',
      'username: { expression: claims.acme__dot__com__slash__id }',
      { 'acme.com/id': 'x' },
      '',
      'x',
    ],
    // Stricter: there a null is an empty text.
    ['a username that is null', plain, { sub: null }, '', 'identity.claims'],
    [
      'a group that is null',
      `${plain}, groups: { claim: groups, prefix: "" }`,
      { groups: [null] },
      '',
      'identity.claims',
    ],
    [
      'a required value that is null',
      plain,
      { hd: null },
      '  claimValidationRules: [{ claim: hd }]',
      'identity.claim_rule',
    ],
    // Laxer: there a list made by split is refused.
    [
      'a list made by split',
      `${plain}, extra: [{ key: e.org/s, valueExpression: 'claims.scope.split(" ")' }]`,
      { scope: 'a b' },
      '',
      'a',
    ],
  ])('%s', (_, mappings, claims, rules, expected) => {
    const user = map({ sub: 'a', ...claims }, mappings, rules)
    expect('username' in user ? user.username : user.reason).toBe(expected)
  })

  it('many costly rules do not add up to a stall: they fail together', () => {
    const costly = Array.from(
      { length: 20 },
      (_, index) => `{ expression: "claims.l.all(a, claims.l.all(b, a + b > ${index}))" }`,
    )
    const rules = `  claimValidationRules: [${costly.join(', ')}]`
    const l = Array.from({ length: 300 }, () => 100)
    const started = performance.now()
    expect(map({ sub: 'a', l }, plain, rules)).toMatchObject({ ok: false, reason: 'identity.claim_rule' })
    expect(performance.now() - started).toBeLessThan(5000)
    expect(map({ sub: 'a', l: l.slice(290) }, plain, rules)).toMatchObject({ username: 'a' })
  })
})
