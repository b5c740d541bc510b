import { describe, expect, it } from 'vitest'
import { activation, compileError, environment, evaluate } from './environment.fixture.js'
import type { CelOutput } from './environment.js'

describe('evaluation errors', () => {
  it.each([
    ['tenant == "a"', 'no such attribute: tenant has no value'],
    ['args.relpicas > 1', 'no such key: relpicas (at 1:5)'],
    ['args["secret-" + args.name]', 'no such key (at 1:5)'],
    ['replicas[9]', 'index out of bounds (at 1:9)'],
    ['1 / (args.replicas - 3)', 'division by zero (at 1:3)'],
    ['9223372036854775807 + args.replicas', 'integer overflow (at 1:21)'],
    ['-(-9223372036854775808 + 0 * args.replicas)', 'integer overflow (at 1:1)'],
    ['args.name + args.replicas', 'no such overload: _+_(string, int) (at 1:11)'],
    ['args.name < args.replicas', 'no such overload: _<_(string, int) (at 1:11)'],
    ['args.name.foo', 'no such overload: string has no fields, so .foo cannot be read (at 1:10)'],
    ['has(args.name.foo)', 'no such overload: string has no fields, so .foo cannot be read (at 1:4)'],
    ['args.replicas.startsWith("a")', 'no such overload: int.startsWith(string) (at 1:25)'],
    ['int(args.name)', 'int(): not an integer (at 1:4)'],
    ['timestamp(args.name)', 'timestamp(): not a timestamp: use RFC 3339, as in 2024-01-31T12:00:00Z (at 1:10)'],
    ['bool(args.name)', 'bool(): not a bool: use true or false (at 1:5)'],
    [
      'quantity(args.name)',
      'quantity(): not a quantity: write a number with a suffix such as "100m", "1.5Gi" or "2e3" (at 1:9)',
    ],
    ['ip(args.name)', 'ip(): not an IP address (at 1:3)'],
    ['cidr(args.name)', 'cidr(): not a CIDR: write an IP address, a slash, and the length of the prefix (at 1:5)'],
    ['url(args.name)', 'url(): not a URL: write an absolute one, or an absolute path (at 1:4)'],
    [
      'semver(args.name)',
      'semver(): not a semantic version: write it as "1.2.3", with "-rc.1" or "+build" if need be (at 1:7)',
    ],
    ['base64.decode(args.name)', 'base64.decode() needs text in standard base64 (at 1:14)'],
    ['args.?owner.value()', 'value(): optional.none() dereference (at 1:18)'],
    ['args.name.matches("(" + args.name)', 'matches(): not a regular expression of RE2 (at 1:18)'],
    ['[].max()', 'max() called on an empty list (at 1:7)'],
    ['[dyn(1), dyn("a")].max()', 'max(): no such overload (at 1:23)'],
    ['dyn(["a"]).sum()', 'no such overload: list.sum() (at 1:15)'],
    ['args.name || true == false', 'no such overload: a condition is string, not bool (at 1:11)'],
    ['args.name ? 1 : 2', 'no such overload: a condition is string, not bool (at 1:11)'],
    ['replicas.all(n, n)', 'no such overload: a condition is int, not bool (at 1:13)'],
    ['args.name.all(n, true)', 'no such overload: all() needs a list or a map, not string (at 1:14)'],
    ['replicas.map(n, n / 0)', 'division by zero (at 1:19)'],
    ['{args.name: 1, dyn("web-1"): 2}', 'a key stands in the map twice (at 1:1)'],
    [
      'request.time.getHours(args.name)',
      'getHours(): not a time zone: use UTC, an offset like +01:00, or a name like Europe/Berlin (at 1:22)',
    ],
    ['timestamp(args.replicas * 99999999999)', 'timestamp(): timestamp out of range: years are 1 to 9999 (at 1:10)'],
    ['quantity("1")', 'the value has no form outside of an expression'],
    ['lists.range(1000).map(x, lists.range(1000))', 'the value is too large to leave the expression'],
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
    ['usr.groups', "1:1 undeclared reference to 'usr' | did you mean 'user'?"],
    [
      'true &&\n  xyz',
      "2:3 undeclared reference to 'xyz' | declared are: args, user, replicas, images, request, tenant, count, anything, missing",
    ],
    [
      'replicas.all(n, m <= 5)',
      "1:17 undeclared reference to 'm' | declared are: n, args, user, replicas, images, request, tenant, count, anything, missing",
    ],
    [
      'replicas.all(n, true) && n > 1',
      "1:26 undeclared reference to 'n' | declared are: args, user, replicas, images, request, tenant, count, anything, missing",
    ],
    [
      '__result__',
      "1:1 undeclared reference to '__result__' | declared are: args, user, replicas, images, request, tenant, count, anything, missing",
    ],
    ['args.name.startWith("a")', "1:20 undeclared reference to 'startWith' | did you mean 'startsWith'?"],
    ['sise(args)', "1:5 undeclared reference to 'sise' | did you mean 'size'?"],
    ['count()', "1:6 undeclared reference to 'count' | 'count' is a variable, not a function"],
    [
      'args.name.startsWith()',
      "1:21 found no matching overload for 'startsWith' applied to 'dyn.()' | there is string.startsWith(string) -> bool",
    ],
    ['int("")', '1:4 int(): not an integer'],
    ['args.a == "x" || uint(-1) == 1u', '1:22 uint(): unsigned integer overflow'],
    [
      'args.name.substring()',
      "1:20 found no matching overload for 'substring' applied to 'dyn.()' | there is string.substring(int) -> string, string.substring(int, int) -> string",
    ],
    [
      'startsWith(args.name, "a")',
      "1:11 found no matching overload for 'startsWith' applied to '(dyn, string)' | 'startsWith' is a method: write x.startsWith(…)",
    ],
    [
      '1 + 1.0',
      "1:3 found no matching overload for '_+_' applied to '(int, double)' | convert one side: double(…) on the left or int(…) on the right",
    ],
    [
      '"a" + 1',
      "1:5 found no matching overload for '_+_' applied to '(string, int)' | convert the other side with string(…)",
    ],
    ['!"a"', "1:1 found no matching overload for '!_' applied to '(string)'"],
    [
      '"a".startsWith(1)',
      "1:15 found no matching overload for 'startsWith' applied to 'string.(int)' | there is string.startsWith(string) -> bool",
    ],
    [
      '1 == "a"',
      "1:3 found no matching overload for '_==_' applied to '(int, string)' | values of these types are never equal",
    ],
    [
      '1 in 5',
      "1:3 found no matching overload for '@in' applied to '(int, int)' | on the right of \"in\" stands a list of such elements, or a map with such keys",
    ],
    ['1 && true', "1:1 expected type 'bool' but found 'int' | compare it with something"],
    ['replicas.all(n, "x")', "1:17 expected type 'bool' but found 'string' | compare it with something"],
    ['tenant.name', "1:7 type 'string' does not support field selection | only maps and objects have fields"],
    [
      'tenant.all(c, true)',
      "1:1 expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)",
    ],
    ['{[1]: 2}', "1:2 a map key must be int, uint, bool or string, but found 'list(int)'"],
    ['"a".matches("(")', '1:13 not a regular expression of RE2: missing closing ): `(`'],
    ['"a".matches("(?=a)")', '1:13 not a regular expression of RE2: invalid or unsupported Perl syntax: `(?=`'],
    ['"a".matches("(a{0,1000}){0,1000}")', '1:13 a regular expression repeats too much: use smaller counts in {}'],
    [
      'request.time.getHours()',
      "1:22 getHours() needs a time zone | write getHours('UTC') or getHours('Europe/Berlin')",
    ],
    [
      'request.time.getHours("Europe/Berln")',
      "1:23 \"Europe/Berln\" is not a time zone | write an IANA name like 'Europe/Berlin', 'UTC', or an offset like '+01:00'",
    ],
    ['has(args)', '1:5 the argument of has() must be a field: a.b | has(a.b) is true when a has the field b'],
    [
      'replicas.all(n)',
      "1:13 undeclared reference to 'all' | write list.all(x, condition), or map.all(key, value, condition)",
    ],
    [
      'replicas.all(n.x, true)',
      '1:15 the first argument of all() must be a plain name | any name that stands for one element: list.all(x, x > 0)',
    ],
    ['replicas.all(n, n, true)', '1:17 the two names that all() takes must differ'],
    ['Object{a: 1}', '1:7 messages are not offered here | write a map: {"key": value}'],
    ['a ==', '1:5 expected a value, but the expression ends'],
    ['count = 1', "1:7 '=' is no operator of CEL | to compare write =="],
    ['args.in', "1:6 expected the name of a field, but found 'in' | as a field write it in backticks: .`in`"],
    ["'abc", '1:1 this text has no closing \' | a text over several lines is written in """triple quotes"""'],
    ['(1 + 2', "1:1 this '(' is never closed"],
    ['[1, 2)', "1:6 expected an operator, ',' or the ']' that closes 1:1, but found ')'"],
    ['1)', "1:2 expected an operator or the end, but found ')'"],
    ['  ', '1:1 the expression is empty'],
    ['99999999999999999999', '1:1 this int needs more than 64 bits'],
    [
      '5u == 5',
      "1:4 found no matching overload for '_==_' applied to '(uint, int)' | convert one side: int(…) on the left or uint(…) on the right",
    ],
    [
      '[1, 2.0]',
      "1:5 expected type 'int' but found 'double' | the elements of a literal are of one type; write dyn(…) around each of them to mix types",
    ],
    [
      '{"a": 1, "b": [true]}',
      "1:15 expected type 'int' but found 'list(bool)' | the elements of a literal are of one type; write dyn(…) around each of them to mix types",
    ],
    [
      '[1, "a"].max()',
      "1:5 expected type 'int' but found 'string' | the elements of a literal are of one type; write dyn(…) around each of them to mix types",
    ],
    [
      '["a"].sum()',
      "1:10 found no matching overload for 'sum' applied to 'list(string).()' | there is list(int).sum() -> int, list(uint).sum() -> uint, list(double).sum() -> double, list(google.protobuf.Duration).sum() -> google.protobuf.Duration",
    ],
    [
      '{args.name: 1, "web-1": 2}',
      "1:16 expected type 'dyn' but found 'string' | the elements of a literal are of one type; write dyn(…) around each of them to mix types",
    ],
    ['timestamp(999999999999)', '1:10 timestamp(): timestamp out of range: years are 1 to 9999'],
    ['duration("1y")', '1:9 duration(): not a duration: use numbers with units h, m, s, ms, us or ns, as in 1h30m'],
    [
      'args.?name + "a"',
      "1:12 found no matching overload for '_+_' applied to '(optional_type(dyn), string)' | take the value out of the optional: x.orValue(…)",
    ],
    [
      'tenant.optMap(t, t)',
      "1:14 found no matching overload for 'optMap' applied to 'string.()' | optMap works on optionals: read with .? or [?…], or use optional.of(…)",
    ],
    [
      'optional.of(1).orValue("a")',
      "1:23 found no matching overload for 'orValue' applied to 'optional_type(int).(string)' | there is optional_type(<V>).orValue(<V>) -> <V>",
    ],
    ['math.gratest(1, 2)', "1:1 undeclared reference to 'math.gratest' | did you mean 'math.greatest'?"],
    [
      'quantity(1)',
      "1:9 found no matching overload for 'quantity' applied to '(int)' | there is quantity(string) -> kubernetes.Quantity",
    ],
    [
      'quantity("1") > quantity("2")',
      "1:15 found no matching overload for '_>_' applied to '(kubernetes.Quantity, kubernetes.Quantity)' | write x.isGreaterThan(y)",
    ],
    [
      'cel.bind(a.b, 1, 2)',
      '1:11 the first argument of cel.bind() must be a plain name | any name that stands for the value: cel.bind(x, a + b, x * x)',
    ],
    [
      '"a".reverse()',
      "1:12 found no matching overload for 'reverse' applied to 'string.()' | there is list(<T>).reverse() -> list(<T>)",
    ],
    [
      '{?"a": 1}',
      '1:8 expected type \'optional_type(int)\' but found \'int\' | after "?" stands an optional: use optional.of(…) or drop the "?"',
    ],
    [
      '[?1]',
      '1:3 expected type \'optional_type(int)\' but found \'int\' | after "?" stands an optional: use optional.of(…) or drop the "?"',
    ],
    [
      'args.?replicas > 1',
      "1:16 found no matching overload for '_>_' applied to '(optional_type(dyn), int)' | take the value out of the optional: x.orValue(…)",
    ],
    [
      'args.?enabled && true',
      "1:5 expected type 'bool' but found 'optional_type(dyn)' | take the value out of the optional: x.orValue(false)",
    ],
    ['cel.bind(x, 1)', "1:1 undeclared reference to 'cel.bind' | write cel.bind(x, value, result)"],
    ['sets.contain([1], [1])', "1:1 undeclared reference to 'sets.contain' | did you mean 'sets.contains'?"],
    [
      'authorizer.path("/").check("get").allowed()',
      "1:1 undeclared reference to 'authorizer' | declared are: args, user, replicas, images, request, tenant, count, anything, missing",
    ],
  ])('%s', (source, expected) => {
    expect(compileError(source)).toBe(expected)
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
