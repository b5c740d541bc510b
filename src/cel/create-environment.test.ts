import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import type { CelInput, CelOutput } from './environment.js'

const environment = createCelEnvironment({
  args: 'map',
  user: 'map',
  replicas: 'list',
  images: 'list',
  request: 'map',
  tenant: 'string',
  count: 'int',
  anything: 'dyn',
  missing: 'list',
})

const values = new Map<string, CelInput>([
  [
    'args',
    new Map<string, CelInput>([
      ['replicas', 3n],
      ['ratio', 0.5],
      ['name', 'web-1'],
      ['nothing', null],
      ['__proto__', 'own'],
      ['nested', new Map([['list', [1n, 2n, 3n]]])],
    ]),
  ],
  [
    'user',
    new Map<string, CelInput>([
      ['username', 'alice'],
      ['groups', ['dev', 'admins']],
    ]),
  ],
  ['replicas', [2n, 5n, 3n]],
  ['images', ['registry.example.com/a:1', 'registry.example.com/b@sha256:00']],
  ['request', new Map<string, CelInput>([['time', new Date('2026-03-29T01:30:00.500Z')]])],
  ['count', 7n],
  ['anything', null],
])
const activation = (name: string) => values.get(name)

function evaluate(source: string): CelOutput | { error: string } {
  const compiled = environment.compile(source)
  if (!compiled.ok) throw new Error(`${source}: ${compiled.error.message}`)
  const result = compiled.program.evaluate(activation)
  return result.ok ? result.value : { error: result.error }
}

function compileError(source: string, result?: 'bool' | 'string'): string {
  const compiled = environment.compile(source, result)
  if (compiled.ok) return 'compiles'
  const { line, column, message, hint } = compiled.error
  return `${line}:${column} ${message}${hint === undefined ? '' : ` | ${hint}`}`
}

describe('values', () => {
  it.each<[string, CelOutput]>([
    ['1 + 2 * 3', 7n],
    ['args.replicas + 1', 4n],
    ['args.replicas <= 5', true],
    ['args.replicas == 3.0', true],
    ['args.ratio < 1', true],
    ['9007199254740993 >= 9007199254740992.0', true],
    ['-7 / 2', -3n],
    ['-7 % 2', -1n],
    ['7.0 / 2.0', 3.5],
    ['1.0 / 0.0 > 1.0', true],
    ['"a" + "b"', 'ab'],
    ['[1] + [2, 3]', [1n, 2n, 3n]],
    [
      '{"a": 1, "b": [true]}',
      new Map<string, CelOutput>([
        ['a', 1n],
        ['b', [true]],
      ]),
    ],
    ['{1: "x"}[1u] + {1: "x"}[1.0]', 'xx'],
    ['args.name', 'web-1'],
    ['args["name"]', 'web-1'],
    ['args.nested.list[1]', 2n],
    ['args.__proto__', 'own'],
    ['args.nothing == null', true],
    ['anything == null', true],
    ['has(args.nothing)', true],
    ['has(args.constructor)', false],
    ['has(args.nested.list)', true],
    ['has(args.toString) || "hasOwnProperty" in args', false],
    ['"name" in args', true],
    ['"admins" in user.groups', true],
    ['2.0 in replicas', true],
    ['replicas.all(n, n <= 5)', true],
    ['replicas.exists(n, n > 4)', true],
    ['replicas.exists_one(n, n > 2)', false],
    ['replicas.existsOne(n, n > 4)', true],
    ['replicas.filter(n, n > 2)', [5n, 3n]],
    ['replicas.map(n, n * 2)', [4n, 10n, 6n]],
    ['replicas.map(n, n > 2, string(n))', ['5', '3']],
    ['replicas.transformList(i, n, i > 0, n + i)', [6n, 5n]],
    ['user.groups.transformList(i, g, g in {"admins": "role:a"}, {"admins": "role:a"}[g])', ['role:a']],
    ['{"a": 1}.transformMap(k, v, v + 1)', new Map([['a', 2n]])],
    ['replicas.all(i, n, n > i)', true],
    ['{"a": 1}.all(k, k == "a")', true],
    ['replicas.map(n, replicas.filter(m, m < n).size())', [0n, 2n, 1n]],
    ['[].all(x, x)', true],
    ['"at most 5; you asked for " + string(replicas.max())', 'at most 5; you asked for 5'],
    ['replicas.min() + replicas.sum()', 12n],
    ['[1, 2].isSorted() && !replicas.isSorted()', true],
    ['[].sum()', 0n],
    ['replicas.indexOf(5)', 1n],
    ['[1, 2, 1].lastIndexOf(1)', 2n],
    ['replicas.includes(9)', false],
    ['"abc".indexOf("c")', 2n],
    ['"Abc".lowerAscii() + "Abc".upperAscii()', 'abcABC'],
    ['"a,b,c".split(",")', ['a', 'b', 'c']],
    ['"a,b,c".split(",", 2)', ['a', 'b,c']],
    ['"a,b".split(",").join("-")', 'a-b'],
    ['"aaa".replace("a", "bb", 2)', 'bbbba'],
    ['"aa".replace("", "-")', 'a-a'],
    ['" x ".trim().size()', 1n],
    ['"abcdef".substring(2, 4)', 'cd'],
    ['"%s is %d".format(["x", 5])', 'x is 5'],
    ['strings.quote("a")', '"a"'],
    ['"😀é".size()', 2n],
    ['"web-1".matches("^web-[0-9]+$")', true],
    ['args.name.matches("^[a-z]+$")', false],
    ['matches("abc", "b")', true],
    ['"abc 123".find("[0-9]+")', '123'],
    ['int("-12") + int(3.9)', -9n],
    ['double("1.5")', 1.5],
    ['string(1.5) + string(true)', '1.5true'],
    ['bool("true")', true],
    ['size(b"abc")', 3n],
    ['b"ab" == b"ab"', true],
    ['type(1) == int && type("") == string && type(null) == null_type', true],
    ['5u + 1u', 6n],
    ['5u == 5', true],
    ['args.replicas == 3 ? "three" : "other"', 'three'],
    ['request.time.getHours("UTC")', 1n],
    ['request.time.getHours("Europe/Berlin")', 3n],
    ['request.time.getHours("-08:30")', 17n],
    ['request.time.getDayOfWeek("UTC")', 0n],
    ['request.time.getDate("UTC") - request.time.getDayOfMonth("UTC")', 1n],
    ['request.time.getDayOfYear("UTC")', 87n],
    ['request.time.getMonth("Asia/Tokyo")', 2n],
    ['request.time.getMilliseconds("UTC")', 500n],
    ['request.time > timestamp("2026-01-01T00:00:00Z")', true],
    ['request.time - timestamp("2026-03-29T01:00:00Z") > duration("30m")', true],
    ['(request.time - timestamp("2026-03-29T00:00:00Z")).getMinutes()', 90n],
    ['timestamp(0) + duration("1h") == timestamp("1970-01-01T01:00:00Z")', true],
    ['duration("90s")', '90s'],
    ['request.time', new Date('2026-03-29T01:30:00.500Z')],
    ['string(timestamp("2026-01-01T00:00:00.000001Z"))', '2026-01-01T00:00:00.000001Z'],
    ['"b" > "a" && "😀" > "\\uffff"', true],
    ['[1, 2.0] == [1u, 2]', true],
    ['{"a": [1]} == {"a": [1.0]}', true],
    ['"1" == anything', false],
    ['// why\ntrue', true],
    ["r'\\d' + '''a'b'''", "\\da'b"],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected)
  })
})

describe('evaluation errors', () => {
  it.each([
    ['tenant == "a"', 'no such variable value: tenant'],
    ['args.relpicas > 1', 'no such key: relpicas (at 1:6)'],
    ['args["secret-" + args.name]', 'no such key: map[string] (at 1:5)'],
    ['replicas[9]', 'index out of bounds: list[int] (at 1:9)'],
    ['1 / (args.replicas - 3)', 'division by zero: int / int (at 1:3)'],
    ['9223372036854775807 + args.replicas', 'integer overflow: int + int (at 1:21)'],
    ['-(-9223372036854775808 + 0 * args.replicas)', 'integer overflow: -int (at 1:1)'],
    ['args.name + args.replicas', 'no such overload: string + int (at 1:11)'],
    ['args.name < args.replicas', 'no such overload: string < int (at 1:11)'],
    ['args.name.foo', 'string has no fields, so .foo cannot be read (at 1:11)'],
    ['has(args.name.foo)', 'string has no fields, so .foo cannot be tested (at 1:1)'],
    ['int(args.name)', 'not a number: int(string) (at 1:1)'],
    ['int("")', 'not a number: int(string) (at 1:1)'],
    ['timestamp(args.name)', 'invalid argument: timestamp(string) (at 1:1)'],
    ['bool(args.name)', 'invalid argument: bool(string) (at 1:1)'],
    [
      'args.name.matches("(" + args.name)',
      'not a regular expression that RE2 accepts: string.matches(string) (at 1:11)',
    ],
    ['[].max()', 'the list is empty: list.max() (at 1:4)'],
    ['[1, "a"].max()', 'the list mixes types that have no order: list.max() (at 1:10)'],
    ['["a"].sum()', 'sum() needs numbers of one type: list.sum() (at 1:7)'],
    ['args.name || true == false', 'no such overload: a condition is string, not bool (at 1:1)'],
    ['args.name ? 1 : 2', 'a condition is string, not bool (at 1:1)'],
    ['replicas.all(n, n)', 'the condition of all() is int, not bool (at 1:10)'],
    ['args.name.all(n, true)', 'all() needs a list or a map, not string (at 1:11)'],
    ['replicas.map(n, n / 0)', 'division by zero: int / int (at 1:19)'],
    ['{args.name: 1, "web-1": 2}', 'a key stands in the map twice (at 1:1)'],
    ['request.time.getHours(args.name)', 'not a time zone: timestamp.getHours(string) (at 1:14)'],
    ['bytes(args.name)', 'the result holds a value that has no form outside of CEL'],
    ['timestamp(999999999999)', 'the time is out of range: timestamp(int) (at 1:1)'],
  ])('%s', (source, error) => {
    expect(evaluate(source)).toEqual({ error })
  })

  it('checks the result at run time where its type is not known', () => {
    const compiled = environment.compile('args.replicas', 'bool')
    expect(compiled.ok && compiled.program.evaluate(activation)).toEqual({
      ok: false,
      error: 'the result is int, wanted is bool',
    })
  })
})

describe('errors that the other side decides', () => {
  it.each<[string, CelOutput]>([
    ['tenant == "a" || true', true],
    ['true || tenant == "a"', true],
    ['args.missing && false', false],
    ['false && args.missing', false],
    ['replicas.exists(n, 1 / (n - 2) > 0 || n == 5)', true],
    ['replicas.all(n, n / 0 > 1 && n != 5)', false],
    ['false ? args.missing : 1', 1n],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toBe(expected)
  })
})

describe('compile errors', () => {
  it.each([
    ['usr.groups', "1:1 undeclared reference to 'usr' | did you mean user?"],
    [
      'true &&\n  xyz',
      "2:3 undeclared reference to 'xyz' | known are: anything, args, count, images, missing, replicas, request, tenant, user",
    ],
    ['replicas.all(n, m <= 5)', /^1:17 undeclared reference to 'm'/],
    ['replicas.all(n, true) && n > 1', /^1:26 undeclared reference to 'n'/],
    ['__result__', /undeclared reference/],
    [
      'args.name.startWith("a")',
      "1:11 undeclared reference to 'startWith' (no such function) | did you mean startsWith()?",
    ],
    ['sise(args)', "1:1 undeclared reference to 'sise' (no such function) | did you mean size()?"],
    ['count()', "1:1 undeclared reference to 'count' (no such function) | count is a variable: leave out the ()"],
    ['args.name.startsWith()', '1:11 startsWith() takes 1 argument, not 0'],
    ['args.name.substring()', '1:11 substring() takes 1 or 2 arguments, not 0'],
    ['startsWith(args.name, "a")', '1:1 startsWith is not a function | write value.startsWith()'],
    ['1 + 1.0', '1:3 no such overload: int + double | convert one side: int(x) or double(x)'],
    ['"a" + 1', '1:5 no such overload: string + int'],
    ['!"a"', '1:1 no such overload: !string'],
    ['"a".startsWith(1)', '1:5 no such overload: string.startsWith(int)'],
    ['1 == "a"', '1:3 no such overload: int == string'],
    ['1 in 5', '1:3 no such overload: int in int'],
    ['1 && true', '1:1 a condition must be bool, not int'],
    ['replicas.all(n, "x")', '1:17 a condition must be bool, not string'],
    ['tenant.name', '1:8 string has no fields, so .name cannot be read'],
    ['tenant.all(c, true)', '1:8 all() needs a list or a map, not string'],
    ['{[1]: 2}', '1:2 list cannot be a key'],
    ['"a".matches("(")', '1:13 not a regular expression that RE2 accepts: missing closing ): `(`'],
    ['"a".matches("(?=a)")', /^1:13 not a regular expression that RE2 accepts/],
    ['"a".matches("(a{0,1000}){0,1000}")', /^1:13 not a regular expression that RE2 accepts/],
    [
      'request.time.getHours()',
      "1:14 getHours() needs a time zone | write getHours('UTC') or getHours('Europe/Berlin')",
    ],
    ['request.time.getHours("Europe/Berln")', /^1:23 "Europe\/Berln" is not a time zone/],
    ['has(args)', '1:1 has() takes one field: has(a.b) | for a key that is no identifier write "key" in map'],
    ['replicas.all(n)', '1:10 all() is written list.all(x, condition)'],
    ['replicas.all(n.x, true)', '1:10 all() begins with the name of a variable: list.all(x, condition)'],
    ['replicas.all(n, n, true)', '1:10 all() needs two different names'],
    ['Object{a: 1}', '1:1 objects like Object{…} are not supported | write a map: {"key": value}'],
    ['a ==', /syntax error|ends too early/],
    ['count = 1', '1:7 syntax error at "=" | CEL writes && || =='],
    ['args.?name', '1:5 syntax error at ".?" | optional access is not supported; use has(a.b) ? a.b : other'],
    ['args.in', '1:6 "in" is a reserved word of CEL | for a field write ["in"]'],
    ["'abc", '1:1 this quote is never closed'],
    ['(1 + 2', '1:1 this "(" is never closed'],
    ['[1, 2)', '1:6 ")" cannot close the "[" before it'],
    ['1)', '1:2 nothing is open that ")" could close'],
    ['  ', '1:1 the expression is empty'],
    ['99999999999999999999', '1:1 this int needs more than 64 bits'],
  ])('%s', (source, expected) => {
    if (typeof expected === 'string') expect(compileError(source)).toBe(expected)
    else expect(compileError(source)).toMatch(expected)
  })

  it.each([
    ['"yes"', 'bool', '1:1 the result is string, wanted is bool | compare it with something'],
    ['count + 1', 'bool', '1:1 the result is int, wanted is bool | compare it with something'],
    ['count', 'string', '1:1 the result is int, wanted is string | wrap it in string(…)'],
    ['args.name', 'string', 'compiles'],
    ['count > 1', 'bool', 'compiles'],
  ] as const)('%s as %s', (source, result, expected) => {
    expect(compileError(source, result)).toBe(expected)
  })
})

describe('what hostile policies and callers may try', () => {
  it.each([
    ['parentheses', `${'('.repeat(3000)}1${')'.repeat(3000)}`],
    ['open parentheses', '('.repeat(5000)],
    ['lists', `${'['.repeat(3000)}${']'.repeat(3000)}`],
    ['conditionals', `${'true?1:'.repeat(1000)}1`],
    ['sums', `${'1+'.repeat(4000)}1`],
    ['selections', `args${'.a'.repeat(4000)}`],
    ['nots', `${'!('.repeat(2000)}true${')'.repeat(2000)}`],
    ['a long text', `"${'x'.repeat(20_000)}"`],
    ['many nodes', `[${'1,'.repeat(5050)}1] == [${'1'}]`],
    ['comprehensions', `${'replicas.all(x, '.repeat(6)}true${')'.repeat(6)}`],
    ['macros in targets', `replicas${'.map(x, x)'.repeat(900)}`],
  ])('%s do not compile, quickly', (_, source) => {
    const started = performance.now()
    expect(compileError(source)).not.toBe('compiles')
    expect(performance.now() - started).toBeLessThan(3000)
  })

  const big = Array.from({ length: 100_000 }, (_, i) => BigInt(i))
  const text = 'a'.repeat(1024 * 1024)
  it.each<[string, string, CelInput]>([
    ['nested loops', 'missing.all(x, missing.all(y, x != y || true))', big],
    ['a loop that errs', 'missing.all(x, x / 0 > 1) || true', big],
    ['quadratic search', 'missing.all(x, x in missing)', big],
    ['deep equality', 'missing.all(x, missing + [1] != missing + [2])', big.slice(0, 3000)],
    ['growing texts', '[1,2,3,4,5,6,7,8].map(x, missing.map(y, string(y)).join(","))', big],
    ['replacements', 'missing[0].replace("a", missing[0])', [text]],
    ['a slow regular expression', 'missing[0].matches("^(a+)+$")', [text]],
    ['unknown time zones', 'missing.all(x, request.time.getHours("Zone/" + string(x)) > 0 || true)', big],
    ['patterns from the caller', 'missing.all(x, "a".matches(string(x) + "(a{0,99}b){0,9}") || true)', big],
    ['times from the caller', 'missing.all(x, timestamp("2026-01-01T00:00:00Z") > timestamp(string(x)) || true)', big],
    [
      'long texts compared',
      'missing.all(x, missing[0] + "a" <= missing[0] + "b")',
      Array.from({ length: 10_000 }, () => text),
    ],
    [
      'long texts equal',
      'missing.all(x, missing.map(y, y + "a") == missing.map(y, y + "a"))',
      Array.from({ length: 300 }, () => text.slice(0, 900_000)),
    ],
    ['joining', 'missing.all(x, missing.join("").size() > 0)', Array.from({ length: 1000 }, () => 'x'.repeat(1000))],
    ['a list of texts', '"%s".format([missing])', Array.from({ length: 50 }, () => text)],
  ])('%s stop with an error, quickly', (_, source, input) => {
    const compiled = environment.compile(source)
    if (!compiled.ok) throw new Error(compiled.error.message)
    const started = performance.now()
    const result = compiled.program.evaluate(() => input)
    expect(performance.now() - started).toBeLessThan(3000)
    expect(result.ok ? 'ok' : result.error).toMatch(/too expensive|too long/)
  })

  it('matches in linear time', () => {
    const compiled = environment.compile('missing[0].matches("^(a|a)*b$")')
    if (!compiled.ok) throw new Error(compiled.error.message)
    const started = performance.now()
    expect(compiled.program.evaluate(() => ['a'.repeat(10_000)])).toEqual({ ok: true, value: false })
    expect(performance.now() - started).toBeLessThan(3000)
  })

  it('keeps data out of messages', () => {
    const secret = 's3cr3t'
    for (const source of [
      'int(tenant)',
      'timestamp(tenant)',
      'duration(tenant)',
      'bool(tenant)',
      'args[tenant]',
      'tenant.matches(tenant + "(")',
      '"%d".format([tenant])',
      'tenant.charAt(99)',
      'tenant.substring(4, 2)',
      '{tenant: 1, tenant: 2}',
      'request[tenant]',
      'timestamp("2026-01-01T00:00:00Z").getHours(tenant)',
    ]) {
      const compiled = environment.compile(source)
      if (!compiled.ok) throw new Error(compiled.error.message)
      const result = compiled.program.evaluate(name => (name === 'tenant' ? secret : new Map()))
      expect(result.ok).toBe(false)
      expect(JSON.stringify(result)).not.toContain(secret)
    }
  })

  it('turns an activation that throws into an error', () => {
    const compiled = environment.compile('tenant == "x"')
    const result =
      compiled.ok &&
      compiled.program.evaluate(() => {
        throw new Error('s3cr3t')
      })
    expect(result).toEqual({ ok: false, error: 'the expression could not be evaluated' })
  })
})

describe('activation', () => {
  it('is asked for what is read, once', () => {
    const compiled = environment.compile('args.replicas > 0 && args.replicas < 9 || tenant == "x"')
    if (!compiled.ok) throw new Error(compiled.error.message)
    expect([...compiled.program.variables].sort()).toEqual(['args', 'tenant'])
    const asked: string[] = []
    compiled.program.evaluate(name => {
      asked.push(name)
      return activation(name)
    })
    expect(asked).toEqual(['args'])
  })

  it('asks once for an absent variable, too', () => {
    const compiled = environment.compile('tenant == "x" || tenant == "y"')
    let asked = 0
    if (compiled.ok)
      compiled.program.evaluate(() => {
        asked++
        return undefined
      })
    expect(asked).toBe(1)
  })

  it('refuses variables that no expression could name', () => {
    expect(() => createCelEnvironment({ 'a-b': 'dyn' })).toThrow('a-b')
    expect(() => createCelEnvironment({ int: 'dyn' })).toThrow('int')
  })
})
