import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import type { CelJson } from './environment.js'

/** What compiling says of an expression over one variable `v`: its error, or `compiles`. */
function checked(type: string, source: string): string {
  const compiled = createCelEnvironment({ v: type }).compile(source)
  return compiled.ok ? 'compiles' : compiled.error.message
}

describe('a variable may have any type of CEL', () => {
  it.each<[string, string]>([
    ['bool', 'v && true'],
    ['int', 'v + 1 == 2'],
    ['uint', 'v + 1u == 2u'],
    ['double', 'v + 1.0 < 2'],
    ['string', 'v.startsWith("a")'],
    ['bytes', 'v == b"a"'],
    ['null_type', 'v == null'],
    ['dyn', 'v.a[0].b + 1 > v'],
    ['google.protobuf.Timestamp', 'v.getHours("UTC") < 20'],
    ['google.protobuf.Duration', 'v > duration("1s")'],
    ['list(string)', 'v.exists(s, s.contains("x"))'],
    ['list(list(int))', 'v.all(l, l.sum() > 3)'],
    ['map(string, list(string))', 'v["a"].join(",") == v.b[0]'],
    ['map(int, bool)', 'v[1]'],
    ['optional_type(string)', 'v.orValue("") == ""'],
    ['kubernetes.Quantity', 'v.isGreaterThan(quantity("1Gi"))'],
    ['net.IP', 'v.family() == 4'],
    ['list(net.CIDR)', 'v.exists(c, c.containsIP("10.0.0.1"))'],
    ['kubernetes.authorization.Authorizer', 'v.path("/").check("get").allowed()'],
    // Short for lists and objects of anything, as JSON has them.
    ['list', 'v[0] == "a" || v[0] == 1'],
    ['map', 'v.a == "a" || v.a == 1'],
  ])('%s: %s', (type, source) => {
    expect(checked(type, source)).toBe('compiles')
  })

  it.each<[string, string, RegExp]>([
    ['list(string)', 'v.exists(s, s == 3)', /^found no matching overload for '_==_' applied to '\(string, int\)'$/],
    ['list(string)', 'v.exists(s, s.foo)', /does not support field selection/],
    ['list(string)', 'v.contains("admin")', /^found no matching overload for 'contains'/],
    ['list(string)', '"admin" in v && 3 in v', /^found no matching overload for '@in'/],
    ['list(string)', 'v[0] > 1', /^found no matching overload for '_>_'/],
    ['list(string)', 'v == "admin"', /^found no matching overload for '_==_'/],
    ['map(string, string)', 'v.assurance == 1', /^found no matching overload for '_==_'/],
    ['map(string, string)', 'v.a.b', /does not support field selection/],
    ['map(string, string)', 'v[0]', /^found no matching overload for '_\[_\]'/],
    ['string', 'v.group', /does not support field selection/],
    ['list(int)', 'v.all(n, n <= "5")', /^found no matching overload for '_<=_'/],
    ['kubernetes.Quantity', 'v > 1', /^found no matching overload for '_>_'/],
    ['optional_type(string)', 'v == "a"', /^found no matching overload for '_==_'/],
  ])('%s: %s is refused', (type, source, message) => {
    expect(checked(type, source)).toMatch(message)
  })

  it.each([
    '',
    'text',
    'list(',
    'list(text)',
    'map(string)',
    'map(string, int, int)',
    'list()',
    'list(string) ',
    ' string',
    'string, string',
    'kubernetes.Nothing',
    'list(kubernetes.Nothing)',
    'int)',
  ])('%j is none', type => {
    expect(() => createCelEnvironment({ v: type })).toThrow(/type of the variable v is none/)
  })

  it.each(['a.', '1a', '', 'a-b', 'int', 'net.IP'])('%j is no name for one', name => {
    expect(() => createCelEnvironment({ [name]: 'dyn' })).toThrow(/not a name for a variable/)
  })
})

describe('a variable of a declared object type', () => {
  const environment = createCelEnvironment(
    { user: 'UserInfo' },
    { types: { UserInfo: { username: 'string', groups: 'list(string)', extra: 'map(string, list(string))' } } },
  )
  const user = new Map<string, CelJson>([
    ['username', 'alice'],
    ['groups', ['staff']],
    ['extra', new Map([['example.com/team', ['a']]])],
  ])

  it.each<[string, unknown]>([
    ['user.username', 'alice'],
    ['user.groups.exists(g, g.startsWith("st"))', true],
    ['user.extra["example.com/team"][0]', 'a'],
    ['has(user.extra)', true],
    ['user.?username.orValue("")', 'alice'],
  ])('%s', (source, value) => {
    const compiled = environment.compile(source)
    if (!compiled.ok) throw new Error(compiled.error.message)
    expect(compiled.program.evaluate(name => (name === 'user' ? user : undefined))).toEqual({ ok: true, value })
  })

  it.each([
    ['user.usernam', "undefined field 'usernam'"],
    ['has(user.nam)', "undefined field 'nam'"],
    ['user.groups == "staff"', "found no matching overload for '_==_' applied to '(list(string), string)'"],
    ['user.username.name', "type 'string' does not support field selection"],
    ['UserInfo{username: "a"}', 'messages are not offered here'],
  ])('%s does not compile', (source, message) => {
    expect(environment.compile(source)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining(message) },
    })
  })

  it('is declared, or refused', () => {
    expect(() => createCelEnvironment({ user: 'UserInfo' })).toThrow('the type of the variable user is none')
    expect(() => createCelEnvironment({}, { types: { T: { a: 'text' } } })).toThrow(
      'the type of the variable T.a is none',
    )
  })
})
