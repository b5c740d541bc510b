import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import { activation, environment, evaluate, programOf } from './environment.fixture.js'
import { type CelOutput, CelValue } from './environment.js'

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
      '{"a": dyn(1), "b": dyn([true])}',
      new Map<string, CelOutput>([
        ['a', 1n],
        ['b', [true]],
      ]),
    ],
    ['{1: "x"}[dyn(1u)] + {1: "x"}[dyn(1.0)]', 'xx'],
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
    ['"aa".replace("", "-")', '-a-a-'],
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
    ['5u == dyn(5) && 5u < 6 && 5 >= 4.5', true],
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
    ['request.time', '2026-03-29T01:30:00.5Z'],
    ['string(timestamp("2026-01-01T00:00:00.000001Z"))', '2026-01-01T00:00:00.000001Z'],
    ['"b" > "a" && "😀" > "\\uffff"', true],
    ['[dyn(1), dyn(2.0)] == [dyn(1u), dyn(2)]', true],
    ['dyn({"a": [1]}) == {"a": [1.0]}', true],
    ['"1" == anything', false],
    ['// why\ntrue', true],
    ["r'\\d' + '''a'b'''", "\\da'b"],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected)
  })
})

describe('optional values', () => {
  it.each<[string, CelOutput]>([
    ['args.?name.orValue("none")', 'web-1'],
    ['args.?owner.orValue("none")', 'none'],
    ['args[?"owner"].orValue(args.?name.orValue("none"))', 'web-1'],
    ['args.?owner.or(args.?name).value()', 'web-1'],
    ['args.?nested.list[1].orValue(0)', 2n],
    ['args.?nested.?list[?9].hasValue()', false],
    ['replicas[?1].orValue(0)', 5n],
    ['args.?replicas.optMap(n, n * 2).orValue(0)', 6n],
    ['args.?owner.optMap(o, o.team).orValue("none")', 'none'],
    ['args.?nested.optFlatMap(n, n.?list).hasValue()', true],
    ['optional.of(1) == optional.of(1) && !optional.none().hasValue()', true],
    ['optional.ofNonZeroValue("").orValue("empty")', 'empty'],
    ['[?args.?name, ?args.?owner]', ['web-1']],
    ['{?"owner": args.?owner, ?"name": args.?name}', new Map([['name', 'web-1']])],
    ['[optional.of(1), optional.none()].unwrapOpt()', [1n]],
    ['args.?owner', null],
    ['replicas.first().orValue(0) + [1].last().value()', 3n],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected)
  })
})

describe('macros beside the standard ones', () => {
  it.each<[string, CelOutput]>([
    ['cel.bind(n, args.replicas * 2, n + n)', 12n],
    ['cel.bind(args, {"name": "other"}, args.name)', 'other'],
    ['replicas.exists(i, n, i == 1 && n == 5)', true],
    ['replicas.existsOne(i, n, n > i)', false],
    ['{"a": 1, "b": 2}.transformList(k, v, v > 1, k)', ['b']],
    ['{"a": 1, "b": 2}.transformMap(k, v, v > 1, v * 10)', new Map([['b', 20n]])],
    [
      'user.groups.transformMapEntry(i, g, {g: i})',
      new Map([
        ['dev', 0n],
        ['admins', 1n],
      ]),
    ],
    ['user.groups.sortBy(g, -g.size())', ['admins', 'dev']],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected)
  })
})

describe('libraries of Kubernetes', () => {
  it.each<[string, CelOutput]>([
    ['quantity("1.5Gi").isGreaterThan(quantity("1G"))', true],
    ['quantity("50k").add(20).asInteger()', 50020n],
    ['isQuantity("1.5Gi") && !isQuantity(args.name)', true],
    ['ip("192.168.0.1").family() == 4 && ip.isCanonical("::1")', true],
    ['cidr("10.0.0.0/8").containsIP("10.1.2.3") && !isCIDR("10.0.0.0")', true],
    ['url("https://example.com:80/a?b=c").getHostname()', 'example.com'],
    ['semver("1.10.0").compareTo(semver("1.9.0"))', 1n],
    ['semver("v1.2", true).minor()', 2n],
    ['format.dns1123Label().validate("web-1").hasValue()', false],
    ['format.named("qualifiedName").hasValue()', true],
    ['sets.contains(user.groups, ["dev"]) && sets.intersects([1], [1, 2])', true],
    ['sets.equivalent(replicas, [5, 3, 2])', true],
    ['math.greatest(1, 2.5) + math.least(1.5, 2.5, 3.5) + math.least(3, 0.5, count)', 4.5],
    ['math.greatest(args.replicas, count, 1)', 7n],
    ['math.ceil(1.2) + math.abs(-1.0)', 3],
    ['base64.encode(b"hello") + string(base64.decode("aGk="))', 'aGVsbG8=hi'],
    ['[3, 1, 2].sort() == [1, 2, 3] && [1, 1].distinct() == [1]', true],
    ['replicas.slice(0, 2).reverse() + lists.range(2)', [5n, 2n, 0n, 1n]],
    ['"%.2f %s %b".format([1.5, [1, 2], 5])', '1.50 [1, 2] 101'],
    ['type(quantity("1")) == kubernetes.Quantity && type(ip("::1")) == net.IP', true],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected)
  })

  it('keep their values from one expression to the next', () => {
    const made = programOf('quantity("1Gi")').evaluateValue(activation)
    if (!made.ok) throw new Error(made.error)
    const input = new CelValue(made.value)
    expect(programOf('anything.isGreaterThan(quantity("1G"))').evaluate(() => input)).toEqual({ ok: true, value: true })
  })
})

describe('what an expression reads', () => {
  it.each([
    ['args.?name.orValue(tenant)', ['args', 'tenant']],
    ['cel.bind(args, user, args.?name.hasValue())', ['user']],
    ['cel.bind(a, args, a.x > 1)', ['args']],
    ['replicas.all(user, n, n > user)', ['replicas']],
    ['user[?tenant].optMap(args, args.x).hasValue()', ['tenant', 'user']],
    ['math.greatest(count, 1) > size(images)', ['count', 'images']],
    ['replicas.sortBy(n, n + count)', ['count', 'replicas']],
  ])('%s reads %j', (source, expected) => {
    expect([...programOf(source).variables].sort()).toEqual(expected)
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
