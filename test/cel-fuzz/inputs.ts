import fc from 'fast-check'
import type { CelJson, UnknownPattern } from '../../src/cel/environment.js'
import { variableNames as names, type Variable } from './engine.js'
import type { Inputs } from './fuzz-case.js'

type Json = fc.Arbitrary<CelJson>

const keys = ['a', 'b', 'c', 'x', 'name', '', '__proto__', 'constructor', 'toString', 'a.b', '\ud800', '*', '0']
const ints = [0n, 1n, -1n, 7n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n, -(2n ** 64n) - 1n]
const texts = [
  ...['', 'a', 'name', 'web-1', '10.0.0.1', '1Gi', '\ud800', 'a\udc00b', '\0', '\u{1f600}', 'a'.repeat(300), '(a+)+$'],
  ...['__proto__', 'x'.repeat(100_000), 'a,'.repeat(20_000), '9'.repeat(1000), '%'.repeat(1000)],
]
const doubles = [0, -0, 0.5, 1e308, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 63]

/** Large once, so that it is made once. */
const deep = (levels: number, wrap: (inner: CelJson) => CelJson): CelJson =>
  Array.from({ length: levels }).reduce<CelJson>(inner => wrap(inner), 1n)
const huge: readonly CelJson[] = [
  Array.from({ length: 50_000 }, (_, i) => BigInt(i)),
  Array.from({ length: 20_000 }, (_, i) => `item-${i % 100}`),
  new Map(Array.from({ length: 20_000 }, (_, i): [string, CelJson] => [`key-${i}`, BigInt(i)])),
  Array.from({ length: 300 }, () => Array.from({ length: 100 }, (_, i) => BigInt(i))),
  deep(190, inner => [inner]),
  deep(190, inner => new Map([['a', inner]])),
  deep(5000, inner => [inner]),
  deep(5000, inner => new Map([['a', inner]])),
]

const scalar: Json = fc.oneof<Json[]>(
  fc.constant(null),
  fc.boolean(),
  fc.constantFrom(...ints),
  fc.constantFrom(...doubles),
  fc.constantFrom(...texts),
  fc.constantFrom(new Date(0), new Date(Number.NaN), new Date('2024-02-29T12:00:00.5Z')),
)

const { any } = fc.letrec<{ any: CelJson }>(tie => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('any'), { maxLength: 4 }),
    mapOf(tie('any')),
  ),
}))

function mapOf(value: Json): Json {
  return fc.array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 5 }).map(entries => new Map(entries))
}

/** A list or map of numbers or texts. */
const intList: Json = fc.array(fc.constantFrom(...ints.filter(int => int >= -(2n ** 63n) && int < 2n ** 63n)), {
  maxLength: 6,
})
const textList: Json = fc.array(fc.constantFrom(...texts), { maxLength: 6 })

const rightValues: Readonly<Record<Variable, Json>> = {
  flag: fc.boolean(),
  count: fc.constantFrom<CelJson>(0n, 1n, -1n, 3n, 2n ** 63n - 1n, -(2n ** 63n)),
  // JSON has no uints: never there.
  total: fc.constant(null),
  ratio: fc.constantFrom<CelJson>(...doubles),
  name: fc.constantFrom(...texts),
  when: fc.constantFrom(new Date(0), new Date('2024-02-29T12:00:00.5Z')),
  numbers: fc.oneof({ arbitrary: intList, weight: 9 }, { arbitrary: fc.constantFrom(...huge.slice(0, 1)), weight: 1 }),
  names: fc.oneof({ arbitrary: textList, weight: 9 }, { arbitrary: fc.constantFrom(...huge.slice(1, 2)), weight: 1 }),
  labels: mapOf(fc.constantFrom(...texts)),
  args: fc.oneof({ arbitrary: mapOf(any), weight: 9 }, { arbitrary: fc.constantFrom(...huge.slice(2, 3)), weight: 1 }),
  items: fc.oneof(
    { arbitrary: fc.array(any, { maxLength: 5 }), weight: 9 },
    { arbitrary: fc.constantFrom(...huge.slice(3, 5)), weight: 1 },
  ),
  anything: fc.oneof({ arbitrary: any, weight: 5 }, { arbitrary: fc.constantFrom(...huge), weight: 1 }),
}

/** A value for each variable, of its type. */
export const rightInputs: fc.Arbitrary<Inputs> = fc.record(rightValues)

/** The same, but some are absent or of another type: what a policy declares is not what an attacker sends. */
export const hostileInputs: fc.Arbitrary<Inputs> = fc
  .tuple(rightInputs, fc.subarray([...names], { maxLength: 2 }), any, fc.boolean())
  .map(([inputs, wrong, value, absent]) => {
    const changed: Partial<Record<Variable, CelJson>> = { ...inputs }
    for (const name of wrong) {
      if (absent) delete changed[name]
      else changed[name] = value
    }
    return changed
  })

export const unknownPatterns: fc.Arbitrary<readonly UnknownPattern[]> = fc.array(
  fc
    .tuple(
      fc.constantFrom(...names),
      fc.array(fc.oneof(fc.constantFrom(...keys), fc.constantFrom(0n, 1n), fc.constant('*')), { maxLength: 2 }),
    )
    .map(([name, steps]): UnknownPattern => [name, ...steps]),
  { minLength: 1, maxLength: 6 },
)

/** The inputs with another's values in the unknown places, and only there. */
export function complete(inputs: Inputs, unknowns: readonly UnknownPattern[], other: Inputs): Inputs {
  const completed: Partial<Record<Variable, CelJson>> = { ...inputs }
  for (const [variable, ...steps] of unknowns) {
    const name = names.find(known => known === variable)
    if (name === undefined) continue
    const value = steps.length === 0 ? other[name] : replaceAt(completed[name], steps, other.anything)
    if (value === undefined) delete completed[name]
    else completed[name] = value
  }
  return completed
}

/** Of many unknown places some stay as they are, which is a completion as well, and does not take forever. */
const mostReplaced = 20

/** Below a step that is not there nothing is replaced; at the end of the way it may be added or taken away. */
function replaceAt(
  value: CelJson | undefined,
  steps: readonly (string | bigint | boolean)[],
  by: CelJson | undefined,
): CelJson | undefined {
  const [step, ...rest] = steps
  if (step === undefined) return by
  if (value instanceof Map) {
    const map: ReadonlyMap<string, CelJson> = value
    const copy = new Map(map)
    for (const key of step === '*' ? [...map.keys()].slice(0, mostReplaced) : [step]) {
      if (typeof key !== 'string' || (rest.length > 0 && !map.has(key))) continue
      const replaced = replaceAt(map.get(key), rest, by)
      if (replaced === undefined) copy.delete(key)
      else copy.set(key, replaced)
    }
    return copy
  }
  if (Array.isArray(value)) {
    const list: readonly CelJson[] = value
    return list.map((item, i) =>
      (step === '*' && i < mostReplaced) || step === BigInt(i) ? (replaceAt(item, rest, by) ?? null) : item,
    )
  }
  return value
}
