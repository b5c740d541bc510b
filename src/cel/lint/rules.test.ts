import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import { facts, variables } from './lint.fixture.js'
import type { LintCode } from './lint-codes.js'

const environment = createCelEnvironment(variables)

function codesOf(source: string, code = ''): readonly string[] {
  expect(environment.compile(source), source).toMatchObject({ ok: true })
  const codes = environment.lint(source, 'dyn', facts).map(issue => issue.code)
  // What macros in macros cost for large inputs is a matter of its own.
  return codes.filter(found => found !== 'costly' || code === 'costly')
}

const tables: Readonly<Record<string, { readonly bad: readonly string[]; readonly good: readonly string[] }>> = {
  'unused-variable': {
    bad: [
      'images.all(image, ok)',
      'images.exists(x, images.exists(x, x == text))',
      'images.map(x, 1)',
      'images.filter(x, ok)',
      'args.all(k, v, ok)',
      'cel.bind(x, text, ok)',
      'args.?a.optMap(x, 1).orValue(2) == 1',
      'images.sortBy(x, text)[0]',
      'images.exists(x, .x == text || ok)'.replace('.x', '.text'),
    ],
    good: [
      'images.all(_, ok)',
      'images.all(_image, ok)',
      'images.all(i, image, image == text)',
      'images.all(i, image, i < 5)',
      'images.transformList(i, v, v)[0] == text',
      'images.exists(x, images.exists(y, x == y))',
      'images.exists(x, x in images.filter(x, x == text))',
      'images.exists(x, images.map(x, x)[0] == x)',
      'cel.bind(x, text, x == x + text)',
      'images.sortBy(x, x)[0]',
      'args.?a.optMap(x, x + 1).orValue(2) == 1',
    ],
  },
  'always-true': {
    bad: [
      '1 == 1',
      '"a" in ["a", "b"]',
      'ok || 2 > 1',
      'text == text',
      'size(text) <= size(text)',
      'args.a == args.a',
      'size(args.list) >= 0',
      'args.list.size() > -1',
      '0 <= size(args.list)',
      'ok || !ok',
      '!ok || ok',
      'has(args.a) || !has(args.a)',
      'args.a == args.b || args.a != args.b',
      'args.a < args.b || args.a >= args.b',
      "args.a != 'x' || args.a != 'y'",
      "!(args.a in ['x']) || args.a != 'y'",
      'args.n > 3 || args.n < 5',
      'args.n >= 3 || args.n < 3',
      'args.n != 1 || ok || args.n != 2',
      '[].all(x, x == 1)',
      'images.all(_, 1 == 1)',
      'ok && true',
      'true || has(args.a)',
      'has(args.a) || true',
      'images.all(_, true)',
      'true ? text : "b"',
      "now.getDayOfWeek('UTC') <= 6",
      'images.exists(x, x == text) || !images.exists(x, x == text)',
    ],
    good: ['text != "a" && text != "b"', 'args.n > 3 || args.n < 3', 'rate == rate', 'ok || has(args.a)'],
  },
  'always-false': {
    bad: [
      '1 == 2',
      'ok && 1 > 2',
      'text != text',
      'args.n < args.n',
      'args.n in []',
      'size(text) < 0',
      'ok && !ok',
      'ok && has(args.a) && !ok',
      'args.a == args.b && args.a != args.b',
      'args.n > 5 && args.n < 3',
      'args.n > 5 && args.n < 5',
      'args.n >= 5 && args.n < 5',
      'args.n > 5 && 3 > args.n',
      'args.n > 5.5 && args.n == 5',
      'args.n > 2u && args.n < 1',
      "args.a == 'x' && args.a == 'y'",
      "args.a == 'x' && args.a in ['y', 'z']",
      "args.a == 'x' && !(args.a in ['x', 'z'])",
      "args.a == null && args.a == 'x'",
      'args.a == true && args.a == false',
      '[].exists(x, x == 1)',
      '{}.exists(k, k == 1)',
      'images.exists(_, 1 == 2)',
      'false || ok',
      '(false ? ok : has(args.a))',
      "now.getMonth('UTC') == 12",
      "now.getDayOfWeek('UTC') == 7",
      "now.getHours('UTC') >= 24",
      'size(images) == 0 && size(images) > 3',
    ],
    good: [
      'false',
      'args.n > 3 && args.n < 5',
      'args.n >= 5 && args.n <= 5',
      'args.n > 5 && args.m < 3',
      "now.getHours('UTC') >= 8 && now.getHours('UTC') < 18",
      'rate != rate',
      'ok ? true : false',
      'ok == false',
      'images.exists(_, true)',
      'images.indexOf(text) == -1',
      "duration('48h').getHours() > now.getDate('UTC')",
      'images.exists(x, x == text) && !images.exists(y, y == text + text)',
    ],
  },
  'duplicate-operand': {
    bad: [
      'ok && ok',
      'ok || has(args.a) || ok',
      'args.a == 1 && args.b == 2 && args.a == 1',
      'images.exists(x, x == text || x == text)',
      'ok ? text : text',
      '(ok && has(args.a)) || (ok && has(args.a))',
    ],
    good: ['ok && has(args.ok)', 'ok || (ok2)'.replace('(ok2)', 'has(args.a)'), 'args.a == 1 || args.a == 2'],
  },
  'duplicate-key': {
    bad: ["{'a': 1, 'a': 2}", '{\'a\': 1, "a": 2}', '{text: 1, text: 2}', '{1: ok, 2: ok, 1: ok}'],
    good: ["{'a': 1, 'b': 1}", '{text: 1, text + text: 2}', '{?text: args.?a, ?text + "": args.?b}'],
  },
  'constant-index': {
    bad: [
      '[1, 2][2]',
      '[1, 2][-1]',
      'images[-1]',
      'args.list[-2]',
      "{'a': 1}['b']",
      '[text][?1].hasValue()',
      '[][0] == 1',
    ],
    good: [
      '[1, 2][1]',
      'images[0]',
      "{'a': 1}[text]",
      "{'a': 1}['a']",
      '{-1: ok}[-1]',
      '{1: ok}[1u]'.replace('1u', '1'),
    ],
  },
  'disjoint-comparison': {
    bad: [
      "args.port == 80 || args.port == 'https'",
      "args.port in [80, 443] || args.port == 'https'",
      "args.a == true || args.a == 'true-ish'",
      "request.time > '2030-01-01'",
      'request.time == 5',
      'user.username == 5',
      "user.groups == 'sre'",
      "mcp.tool.name in ['a'] && user.groups.exists(g, g == 5)",
      'user.username in [1, 2]',
    ],
    good: [
      "args.port == 80 || args.port == '80'",
      "args.port == 80 || args.port == 443 || args.port == '80' || args.port == '443'",
      'args.port == 80 || args.port == 80.5 || args.port == null',
      "args.port == 80 || args.host == 'x'",
      "args.a == null || args.a == 'x'",
      "request.time > timestamp('2030-01-01T00:00:00Z')",
      "user.groups == ['sre']",
      "type(args.x) == string && args.x == 'a' || type(args.x) == int && args.x == 1",
      'user.username != null',
    ],
  },
  'wrong-kind': {
    bad: [
      "user.groups.contains('sre')",
      "user.groups.startsWith('sre')",
      "'sre' in user.username",
      'request.headers.contains("x")',
      "user.username.exists(c, c == 'a')",
    ],
    good: [
      "'sre' in user.groups",
      "user.username.contains('sre')",
      "user.groups.exists(g, g.startsWith('sre-'))",
      "'x-a' in request.headers",
      "args.a.contains('sre')",
    ],
  },
  'unknown-value': {
    bad: [
      "mcp.tool.access == 'wirte'",
      "'wirte' == mcp.tool.access",
      "mcp.tool.access != 'none'",
      "mcp.tool.access in ['read', 'wirte']",
      "mcp.tool['access'] == 'x'",
      "mcp.?tool.?access.orValue('read') == 'x'",
      "cel.bind(t, mcp.tool, t.access == 'x')",
    ],
    good: [
      "mcp.tool.access == 'write'",
      'mcp.tool.access == text',
      "mcp.tool.access.startsWith('x')",
      "args.access == 'x'",
    ],
  },
  'unknown-member': {
    bad: [
      'user.name == text',
      'has(mcp.toll)',
      'mcp.tool.acess == text',
      "mcp['toll'].name == text",
      "'tool2' in mcp",
      'request.?body.hasValue()',
      'cel.bind(u, user, u.name == text)',
    ],
    good: ['user.username == text', "args['anything'] == 1", 'mcp[text] == 1', 'images.exists(user, user.size() > 1)'],
  },
  'scope-substring': {
    bad: [
      "claims.scope.contains('write')",
      "claims.scope.contains(' write')",
      "claims.scope.startsWith('write')",
      "claims.scope.matches('write')",
      "claims.scope.matches('\\\\bwrite\\\\b')",
      "string(claims.scope).contains('write')",
      "claims.?scope.orValue('').contains('write')",
      "claims['scope'].lowerAscii().contains('write')",
      "claims.scope.indexOf('write') >= 2",
      "scopes.exists(s, s.contains('write'))",
      "scopes.exists(s, s.matches('write'))",
    ],
    good: [
      "'write' in scopes",
      "'write' in claims.scope.split(' ')",
      "(' ' + claims.scope + ' ').contains(' write ')",
      "claims.scope == 'write'",
      "claims.scope.matches('(^| )write( |$)')",
      "claims.scope.matches('^[a-z ]+$')",
      "scopes.exists(s, s.startsWith('files:'))",
      "scopes.exists(s, s.endsWith(':write'))",
      "text.contains('write')",
      "claims.sub.contains('write')",
    ],
  },
  'open-host': {
    bad: [
      "text.startsWith('registry.example.com')",
      "text.startsWith('https://api.example.com')",
      "text.startsWith('registry.example.com:5000')",
      "text.endsWith('example.com')",
      "text.contains('registry.example.com')",
      "text.startsWith('docker.io')",
    ],
    good: [
      "text.startsWith('registry.example.com/')",
      "text.startsWith('https://api.example.com/v1')",
      "text.endsWith('.example.com')",
      "text.endsWith('@example.com')",
      "text.endsWith('/example.com')",
      "text == 'example.com'",
      "text.startsWith('kube-')",
      "text.endsWith('.py')",
      "text.endsWith('main.py')",
      "text.startsWith('v1.')",
      "text.startsWith('com.acme.tool')",
      "text.contains('..')",
      "images.contains('x')".replace('images.contains', 'text.contains'),
    ],
  },
  'open-pattern': {
    bad: [
      "text.matches('^[a-z]+')",
      "text.matches('[a-z]+$')",
      "matches(text, '^team')",
      "text.matches('^registry[.]example[.]com')",
      "text.matches('registry[.]example[.]com/')",
      "text.matches('registry\\\\.example\\\\.com/')",
      "text.matches('example[.]com$')",
      "text.matches('^get|list$')",
      "text.matches('^get|list|watch$')",
      "text.matches('^(get|list)')",
      "text.matches('(?i)^team')",
    ],
    good: [
      "text.matches('^[a-z]+$')",
      "text.matches('\\\\A[a-z]+\\\\z')",
      "text.matches('[a-z]+')",
      "text.matches('^/public/')",
      "text.matches('^team-')",
      "text.matches('^team-.*')",
      "text.matches('^registry[.]example[.]com/')",
      "text.matches('[.]example[.]com$')",
      "text.matches('\\\\.example\\\\.com$')",
      "text.matches('^/public(/|$)')",
      "text.matches('(^|/)public$')",
      "text.matches('^(get|list)$')",
      "text.matches('^get$|^list$')",
      "text.matches('^get_|^list_')",
      "text.matches('^[^@]+@example[.]com$')",
      'text.matches(text)',
    ],
  },
  'dot-in-pattern': {
    bad: ["text.matches('^registry.example.com/')", "text.matches('^https://[a-z]+.acme.io$')"],
    good: [
      "text.matches('^registry[.]example[.]com/')",
      "text.matches('^registry\\\\.example\\\\.com/')",
      "text.matches('^a.*b$')",
      "text.matches('^ab.+cd$')",
      "text.matches('^v1.2$')",
      "text.matches('^.{3}$')",
    ],
  },
  costly: {
    bad: ['args.list.all(a, args.list.all(b, args.list.exists(c, c == a + b)))'],
    good: [
      'images.all(x, x != text)',
      'size(args.list) <= 10 && args.list.all(a, args.list.all(b, args.list.exists(c, c == a + b)))',
    ],
  },
}

describe.each(Object.entries(tables))('%s', (code, { bad, good }) => {
  it.each(bad)('has %s', source => expect(codesOf(source, code)).toEqual([code]))
  it.each(good)('has not %s', source => expect(codesOf(source, code)).toEqual([]))
})

describe('lint', () => {
  const first = (source: string) => environment.lint(source, 'bool', facts)[0]

  it('says where, and what to do', () => {
    expect(first('has(args.a) &&\n  user.name == text')).toEqual({
      code: 'unknown-member' satisfies LintCode,
      message: 'user never has a member "name"',
      hint: 'there are: username, groups',
      line: 2,
      column: 7,
    })
    expect(first("ok && mcp.tool.access == 'wirte'")).toMatchObject({ column: 26, hint: 'did you mean "write"?' })
  })

  it.each<[string, string]>([
    ["text != 'a' || text != 'b'", `this is always true: text != "a" or text != "b" is true of every value`],
    ['args.n > 5 && ok && args.n < 3', 'this is always false: args.n > 5 and args.n < 3 cannot be true at once'],
    ['size(text) >= 0', 'this is always true: size(text) is at least 0'],
    ["text.startsWith('a.example.com')", "'a.example.com.evil.io' begins with this, too"],
    ['request.time > "x"', 'request.time is a timestamp, and what it is compared with a text: comparing them fails'],
  ])('says of %s what is wrong', (source, message) => {
    expect(first(source)?.message).toBe(message)
  })

  it('reports causes, and not what follows from them', () => {
    expect(codesOf('ok && (args.n > 5 && args.n < 3) && has(args.a)')).toEqual(['always-false'])
    expect(codesOf('!(args.n in []) || ok')).toEqual(['always-false'])
    expect(codesOf('!(size(text) >= 0) || ok')).toEqual(['always-true'])
    expect(codesOf('1 == 1 && (2 == 2 || ok)')).toEqual(['always-true', 'always-true'])
  })

  it('knows nothing without facts', () => {
    expect(environment.lint("user.name == 5 || 'a' in user.username")).toEqual([])
  })

  it('says nothing of what does not compile', () => {
    expect(environment.lint('nope && 1 == 1')).toEqual([])
    expect(environment.lint('1 ==')).toEqual([])
    expect(environment.lint('1', 'bool')).toEqual([])
  })

  it('is bounded for large expressions', () => {
    const chain = Array.from({ length: 400 }, (_, i) => `args.n == ${i}`).join(' || ')
    const nested = `${'images.all(x, '.repeat(50)}1 == 1${')'.repeat(50)}`
    const begin = performance.now()
    expect(environment.lint(chain, 'bool', facts)).toEqual([])
    expect(environment.lint(nested, 'bool', facts).length).toBeGreaterThan(0)
    expect(environment.lint(Array.from({ length: 300 }, () => '1 == 1').join(' && '), 'bool')).toHaveLength(2)
    expect(environment.lint(Array.from({ length: 300 }, () => 'ok == text.contains("a.com")').join(' != ')).length)
    expect(performance.now() - begin).toBeLessThan(2000)
  })
})
