import { describe, expect, it } from 'vitest'
import { compileError, programOf } from './environment.fixture.js'
import type { CelJson } from './environment.js'

/** Milliseconds; about 50 are enough for anything on an idle machine, and this is for a busy one. */
const soon = 500

/** 8^7 elements, of which 56 are made. Needs seven closing brackets. */
const shared = ['a', 'b', 'c', 'd', 'f', 'g', 'h']
  .map((name, i, names) => `cel.bind(${name}, [${new Array(8).fill(names[i - 1] ?? '1').join(', ')}], `)
  .join('')

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
    ['comprehensions', `${'replicas.all(x, '.repeat(64)}true${')'.repeat(64)}`],
    ['binds', `${'cel.bind(x, 1, '.repeat(64)}true${')'.repeat(64)}`],
    ['optionals', `args${'.?a'.repeat(600)}`],
    ['macros in targets', `replicas${'.map(x, x)'.repeat(900)}`],
  ])('%s do not compile, quickly', (_, source) => {
    const started = performance.now()
    expect(compileError(source)).not.toBe('compiles')
    expect(performance.now() - started).toBeLessThan(soon)
  })

  const big = Array.from({ length: 100_000 }, (_, i) => BigInt(i))
  const text = 'a'.repeat(1024 * 1024)
  it.each<[string, string, CelJson]>([
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
    ['doubling texts', 'cel.bind(a, missing[0] + missing[0], cel.bind(b, a + a, b.size()))', [text]],
    ['sorting', 'missing.sort().size()', big],
    ['sorting by keys', 'missing.sortBy(x, -x).size()', big],
    ['distinct elements', 'missing.distinct().size()', big],
    ['sets', 'sets.equivalent(missing, missing)', big],
    ['quantities', 'missing.all(x, quantity(string(x) + "Gi").isInteger())', big],
    ['addresses', 'missing.all(x, isIP(string(x)) || true)', big],
    ['URLs', 'missing.all(x, isURL("https://a/" + string(x)))', big],
    ['versions', 'missing.all(x, isSemver("1.2." + string(x)))', big],
    ['formats', 'missing.all(x, format.dns1123Label().validate(string(x)).hasValue() || true)', big],
    ['matches', 'missing[0].findAll("a").size()', [text]],
    ['base64', 'base64.encode(bytes(missing[0]))', [text]],
  ])('%s stop with an error, quickly', (_, source, input) => {
    const program = programOf(source)
    const started = performance.now()
    const result = program.evaluate(() => input)
    expect(performance.now() - started).toBeLessThan(soon)
    expect(result).toEqual({ ok: false, error: 'the evaluation costs more than its budget allows' })
  })

  const digits = '9'.repeat(1024 * 1024)
  it.each<[string, string, CelJson]>([
    ['an int', 'int(missing[0])', [digits]],
    ['a double', 'double(missing[0])', [digits]],
    ['a duration', 'duration(missing[0] + "s")', [digits]],
    ['a timestamp', 'timestamp(missing[0])', [digits]],
    ['a quantity', 'quantity(missing[0])', [digits]],
    ['a version', 'semver(missing[0])', [digits]],
    ['an address', 'ip(missing[0])', [digits]],
    ['a URL', 'url(missing[0])', [digits]],
    ['a quoted text', 'strings.quote(missing[0])', [digits.slice(0, 900_000)]],
    ['the largest element', 'missing.max()', big.slice(0, 90_000)],
    ['a range', 'lists.range(90000).size()', []],
    ['equality', 'missing == missing', big.slice(0, 90_000)],
    ['rows of the same list', 'missing.map(x, missing)', big.slice(0, 900)],
  ])('%s ends, quickly', (_, source, input) => {
    const program = programOf(source)
    const started = performance.now()
    program.evaluate(() => input)
    expect(performance.now() - started).toBeLessThan(soon)
  })

  it.each([
    ['compared', 'h == h'],
    ['shown', '"%s".format([h])'],
    ['flattened', 'h.flatten().flatten().flatten().flatten().flatten()'],
    ['given out', 'h'],
  ])('what is far larger than what it was made of is refused when %s', (_, use) => {
    const started = performance.now()
    expect(programOf(`${shared}${use}${')'.repeat(7)}`).evaluate(() => undefined).ok).toBe(false)
    expect(performance.now() - started).toBeLessThan(soon)
  })

  it('matches in linear time', () => {
    const program = programOf('missing[0].matches("^(a|a)*b$")')
    const started = performance.now()
    expect(program.evaluate(() => ['a'.repeat(10_000)])).toEqual({ ok: true, value: false })
    expect(performance.now() - started).toBeLessThan(soon)
  })

  it.each([
    ['missing.all(x, true) || true', false],
    ['true || missing.all(x, true)', true],
    ['missing.sort() == [] ? 1 : 2', false],
    ['[missing].all(m, m.all(x, true)) || true', false],
    ['optional.of(missing.sort()).orValue([]) == [] || true', false],
  ])('nothing absorbs that the budget is spent: %s', (source, ok) => {
    expect(programOf(source).evaluate(() => big).ok).toBe(ok)
  })
})

describe('messages hold nothing of the input', () => {
  const secret = 's3cr3t'
  it.each([
    'int(tenant)',
    'uint(tenant)',
    'double(tenant)',
    'timestamp(tenant)',
    'duration(tenant)',
    'bool(tenant)',
    'args[tenant]',
    'request[tenant]',
    'args.size() == 0 && dyn(tenant)',
    'tenant.matches(tenant + "(")',
    'tenant.find(tenant + "(")',
    '"%d".format([tenant])',
    '(tenant + "%s").format([])',
    'tenant.charAt(99)',
    'tenant.substring(4, 2)',
    '{tenant: 1, tenant: 2}',
    '[tenant, tenant].transformMapEntry(i, t, {t: i})',
    'timestamp("2026-01-01T00:00:00Z").getHours(tenant)',
    'quantity(tenant)',
    'ip(tenant)',
    'cidr(tenant)',
    'url(tenant)',
    'semver(tenant)',
    'base64.decode(tenant + "!")',
    'format.named(tenant).value()',
    'dyn(tenant).foo',
    'dyn(tenant)[0]',
    'dyn(tenant) + 1',
    'dyn(tenant).all(x, true)',
    'dyn(tenant) ? 1 : 2',
    '[tenant][tenant.size()]',
    'args[?tenant].value()',
  ])('%s', source => {
    const result = programOf(source).evaluate(name => (name === 'tenant' ? secret : new Map()))
    expect(result.ok).toBe(false)
    expect(JSON.stringify(result)).not.toContain(secret)
  })

  it('turns an activation that throws into an error', () => {
    const result = programOf('tenant == "x"').evaluate(() => {
      throw new Error(secret)
    })
    expect(result).toEqual({ ok: false, error: 'the expression could not be evaluated' })
  })
})
