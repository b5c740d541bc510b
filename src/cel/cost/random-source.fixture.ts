import fc from 'fast-check'
import type { CelJson } from '../environment.js'

/** Variables of the random expressions. */
export const sourceVariables = {
  s: 'string',
  t: 'string',
  n: 'int',
  b: 'bool',
  xs: 'list(string)',
  ns: 'list(int)',
  xss: 'list(list(string))',
  m: 'map(string, string)',
  d: 'dyn',
  args: 'map',
} as const

type Kind = 'bool' | 'int' | 'text' | 'texts' | 'ints' | 'map' | 'dyn'

/** Each expression has the texts of all that it may be made of: `?text` stands for another expression. */
const forms: Readonly<Record<Kind, readonly string[]>> = {
  bool: [
    ...['b', 'true', '(?int < ?int)', '(?text == ?text)', '(?texts == ?texts)', '(?dyn == ?dyn)', '(?text <= ?text)'],
    ...[
      '?text.contains(?text)',
      '?text.startsWith(?text)',
      "?text.matches('^[a-z]+(b|cd){2,3}$')",
      '?text.matches(?text)',
    ],
    ...['(?bool && ?bool)', '(?bool || ?bool && ?bool)', '!?bool', '(?bool ? ?bool : ?bool)', '(?text in ?texts)'],
    ...[
      '(?text in ?map)',
      '(?dyn in ?texts)',
      '(?int in ?ints)',
      '(?text in ["a", "bb", "ccc"])',
      'has(args.a)',
      'has(args.a.b)',
    ],
    ...[
      '?texts.all(v, ?bool && v != ?text)',
      '?texts.exists(v, v == ?text)',
      '?ints.exists_one(v, v > ?int)',
      '?map.all(k, k != ?text)',
    ],
    ...[
      '?map.exists(k, v, v == k)',
      '?dyn.all(v, v != ?text)',
      '?texts.all(i, v, i < 5)',
      '(size(?texts) <= 3 && ?texts.all(v, v != "q"))',
    ],
    ...[
      '(size(args.a) < 4 && args.a.all(v, v != "q"))',
      '(size(xs) > 2 || xs.all(v, xs.all(w, v == w)))',
      'isURL(?text)',
      'isIP(?text)',
    ],
    ...['isQuantity(?text)', 'isSemver(?text)', 'sets.contains(?texts, ?texts)', 'sets.intersects(?texts, ?texts)'],
    ...[
      'sets.equivalent(?texts, ?texts)',
      'sets.contains([?dyn], [?dyn, ?dyn])',
      '?texts.isSorted()',
      'math.isNaN(2.0)',
      '?texts.includes(?text)',
    ],
    ...[
      'format.dns1123Label().validate(?text).hasValue()',
      'ip.isCanonical("10.0.0.1")',
      'cidr("10.0.0.0/8").containsIP("10.1.2.3")',
    ],
    ...[
      'cel.bind(v, ?texts, v == v)',
      'optional.of(?text).hasValue()',
      '(timestamp("2026-01-01T00:00:00Z") < timestamp("2027-01-01T00:00:00Z"))',
    ],
  ],
  int: [
    ...[
      'n',
      '3',
      'size(?text)',
      '?texts.size()',
      '?map.size()',
      '(?int + ?int)',
      '-?int',
      'int("12")',
      '(?bool ? ?int : ?int)',
    ],
    ...[
      '?text.indexOf(?text)',
      '?text.lastIndexOf(?text)',
      '?texts.indexOf(?text)',
      '?ints.sum()',
      'math.greatest(?int, ?int)',
    ],
    ...[
      'timestamp("2026-01-01T00:00:00Z").getHours("Europe/Berlin")',
      'timestamp(5).getFullYear("UTC")',
      'duration("3h").getMinutes()',
    ],
    ...[
      'math.least([?int, ?int, 4])',
      'math.abs(?int)',
      'quantity("3Gi").compareTo(quantity("4Mi"))',
      'semver("1.2.3").major()',
    ],
  ],
  text: [
    ...[
      's',
      't',
      '"abc"',
      '"zz zz"',
      '(?text + ?text)',
      '?text.trim()',
      '?text.lowerAscii()',
      '?text.replace("a", ?text)',
      '?text.replace("", "yy")',
    ],
    ...[
      '?texts.join(",")',
      '?texts.join(?text)',
      'string(?int)',
      '(?bool ? ?text : ?text)',
      'strings.quote(?text)',
      '?text.find("[a-c]+")',
    ],
    ...[
      '"%s-%d".format([?text, ?int])',
      '"%s".format([?texts])',
      '"%s %s".format([?dyn, ?map])',
      'm.?a.orValue(?text)',
      'xs[?0].orValue(?text)',
    ],
    ...[
      'args.?a.?b.optMap(v, string(v)).orValue("none")',
      'optional.of(?text).orValue(?text)',
      'string(bytes(?text))',
      'base64.encode(bytes(?text))',
    ],
    ...[
      'jsonpatch.escapeKey(?text)',
      'url("https://a.example/b?c=d").getHost()',
      '?texts.first().orValue("f")',
      'cel.bind(v, ?text, v + v)',
    ],
    ...['?text.substring(0)', 'string(ip("10.0.0.1"))', '?text.charAt(0)'],
  ],
  texts: [
    ...[
      'xs',
      '["a", ?text]',
      '(?texts + ?texts)',
      '?text.split(",")',
      '?text.split("")',
      '?texts.map(v, v + ?text)',
      '?texts.filter(v, v != ?text)',
    ],
    ...[
      '?texts.map(v, ?bool, v)',
      'xss.map(v, v.join("")).filter(v, v != "")',
      '?text.findAll("[a-z]")',
      '?texts.sort()',
      '?texts.distinct()',
    ],
    ...[
      '?texts.reverse()',
      'xss.flatten()',
      '?map.map(k, k)',
      '?texts.transformList(i, v, v)',
      '(?bool ? ?texts : ?texts)',
      '[xs, ?texts].flatten()',
    ],
    ...['?texts.slice(0, 0)', '?map.transformList(k, v, v + k)', '[?text, ?text]', '?texts.sortBy(v, size(v))'],
  ],
  ints: [
    'ns',
    '[1, 2, ?int]',
    '?texts.map(v, size(v))',
    'lists.range(7)',
    '?ints.filter(v, v > ?int)',
    '?ints.sort()',
    '[n, n].map(v, v + 1)',
  ],
  map: [
    ...[
      'm',
      '{"a": ?text}',
      '{?text: ?text}',
      '?map.transformMap(k, v, v + "x")',
      '?texts.transformMapEntry(i, v, {string(i): v})',
    ],
    ...['(?bool ? ?map : ?map)'],
  ],
  dyn: ['d', 'args.a', 'args.a.b', 'dyn(?text)', 'dyn(?texts)', 'args', 'dyn(?map)', 'args["a"]', 'dyn(?int)'],
}

function filled(form: string, depth: number): fc.Arbitrary<string> {
  const parts = form.split(/\?(bool|int|texts|text|ints|map|dyn)\b/)
  if (parts.length === 1) return fc.constant(form)
  return fc
    .tuple(...parts.map((part, i) => (i % 2 === 1 && isKind(part) ? randomSource(part, depth - 1) : fc.constant(part))))
    .map(texts => texts.join(''))
}

function isKind(name: string): name is Kind {
  return Object.hasOwn(forms, name)
}

/** Well typed, most of them without errors: every function, operator and macro in places where it makes sense. */
export function randomSource(kind: Kind, depth: number): fc.Arbitrary<string> {
  const possible = depth > 0 ? forms[kind] : forms[kind].filter(form => !form.includes('?'))
  return fc.constantFrom(...possible).chain(form => filled(form, depth))
}

const text = fc.oneof(
  fc.string({ maxLength: 20, unit: fc.constantFrom(...'abcd ,-z') }),
  fc.integer({ min: 0, max: 300 }).map(length => 'ab'.repeat(length)),
)
const texts = fc.array(text, { maxLength: 12 })
const whole = fc.integer({ min: -5, max: 20 }).map(BigInt)
const map = fc.dictionary(fc.constantFrom('a', 'b', 'cc'), text).map(entries => new Map(Object.entries(entries)))
const json: fc.Arbitrary<CelJson> = fc.oneof(
  text,
  texts,
  whole,
  map,
  fc.constantFrom<CelJson>(null, true, 1e99),
  fc.array(map, { maxLength: 5 }),
)

/** Values of the variables. All texts have up to 600 characters, all lists up to 12 elements. */
export const randomInputs: fc.Arbitrary<Readonly<Record<string, CelJson>>> = fc.record({
  s: text,
  t: text,
  n: whole,
  b: fc.boolean(),
  xs: texts,
  ns: fc.array(whole, { maxLength: 12 }),
  xss: fc.array(texts, { maxLength: 6 }),
  m: map,
  d: json,
  args: fc.record({ a: json }).map(entries => new Map<string, CelJson>(Object.entries(entries))),
})
