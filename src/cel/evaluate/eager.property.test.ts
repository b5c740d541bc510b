import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import { type CelInput, type CelJson, CelValue, CostBudget, JsonView } from '../environment.js'
import { fromJson } from '../values/from-json.js'
import { Failure } from '../values/value.js'

/**
 * What comes from outside is converted as far as it is read. Whatever an expression does with it, the answer and the cost must
 * be those of an evaluation that is given values of CEL from the beginning.
 */
const environment = createCelEnvironment({ x: 'dyn', y: 'dyn', k: 'dyn', i: 'int' })

/** Whatever stands for an object. */
class View extends JsonView {
  readonly #members: ReadonlyMap<string, CelJson>

  constructor(members: ReadonlyMap<string, CelJson>) {
    super()
    this.#members = members
  }

  get(key: string): CelJson | undefined {
    return this.#members.get(key)
  }

  whole(): ReadonlyMap<string, CelJson> {
    return new Map(this.#members)
  }
}

const keys = ['a', 'b', '__proto__', 'constructor', '', '0', 'size']
const leaf: fc.Arbitrary<CelJson> = fc.oneof(
  fc.constantFrom<CelJson>(null, true, false, '', 'a', 'b', '😀', 0, -0, 1, 1.5, 2 ** 53, Number.NaN),
  fc.constantFrom<CelJson>(0n, 1n, 2n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n),
  fc.constantFrom(new Date(0), new Date('2026-01-02T03:04:05.678Z')),
)
const { json } = fc.letrec<{ json: CelJson }>(tie => ({
  json: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('json'), { maxLength: 4 }),
    fc
      .tuple(fc.array(fc.tuple(fc.constantFrom(...keys), tie('json')), { maxLength: 4 }), fc.boolean())
      .map(([entries, viewed]): CelJson => (viewed ? new View(new Map(entries)) : new Map(entries))),
  ),
}))

/** What stands for a value, and what is done with one. */
const places = [
  'x',
  'y',
  'x.a',
  'x[0]',
  'x.a.b',
  'y["a"]',
  'x[i]',
  'x[k]',
  'y[k][i]',
  'x.`__proto__`',
  'x[i].a',
  'k',
  '[x][0]',
]
const uses: readonly ((a: string, b: string) => string)[] = [
  a => a,
  (a, b) => `${a} == ${b}`,
  (a, b) => `${a} != ${b}`,
  (a, b) => `${a} in ${b}`,
  (a, b) => `${a} < ${b}`,
  (a, b) => `${a} + ${b}`,
  (a, b) => `[${a}, ${b}]`,
  (a, b) => `{"v": ${a}, "w": ${b}} == {"v": ${b}, "w": ${a}}`,
  (a, b) => `${a} ? ${b} : ${a}`,
  (a, b) => `(${a} == ${b} || ${b}) && ${a}`,
  a => `has(${a}.a)`,
  a => `has(${a}.constructor)`,
  a => `${a}.?a`,
  a => `${a}.?a.b.orValue("none")`,
  a => `${a}[?"a"][?0].hasValue()`,
  (a, b) => `${a}[?${b}].orValue(${b})`,
  (a, b) => `${a}[${b}]`,
  a => `size(${a})`,
  a => `${a}.size() == 2`,
  a => `type(${a})`,
  a => `string(${a})`,
  a => `int(${a})`,
  a => `"%s".format([${a}])`,
  (a, b) => `${a}.all(e, e == ${b})`,
  (a, b) => `${a}.exists(e, e in ${b})`,
  (a, b) => `${a}.exists_one(e, e.a == ${b})`,
  a => `${a}.map(e, e)`,
  a => `${a}.map(e, e.size())`,
  (a, b) => `${a}.filter(e, e != ${b})`,
  (a, b) => `${a}.all(e, f, f == ${b} || e == ${b})`,
  a => `${a}.transformMap(e, f, f.a)`,
  a => `${a}.transformMapEntry(e, f, {string(e): f})`,
  a => `${a}.transformList(e, f, f[0])`,
  (a, b) => `cel.bind(e, ${a}, e.a == ${b} && e == ${a})`,
  (a, b) => `optional.of(${a}) == optional.of(${b})`,
  a => `optional.ofNonZeroValue(${a}).hasValue()`,
  a => `optional.of(${a}).optMap(e, e.a).orValue(${a})`,
  (a, b) => `sets.contains([${a}], [${b}])`,
  (a, b) => `[${a}, ${b}].distinct()`,
  a => `${a}.map(e, e).flatten()`,
]
const source = fc
  .tuple(fc.constantFrom(...uses), fc.constantFrom(...places), fc.constantFrom(...places))
  .map(([use, a, b]) => use(a, b))

describe('what is converted late', () => {
  it('gives what is converted at once would give, for the same cost', () => {
    const names = ['x', 'y', 'k', 'i'] as const
    const inputs = fc.record({ x: json, y: json, k: json, i: fc.constantFrom<CelJson>(0n, 1n, -1n, 2n ** 40n) })
    fc.assert(
      fc.property(source, inputs, (text, given) => {
        const compiled = environment.compile(text)
        if (!compiled.ok) return
        const values = new Map<string, CelInput>()
        for (const name of names) {
          const value = fromJson(given[name])
          if (!(value instanceof Failure)) values.set(name, new CelValue(value))
        }
        const [forLate, forAtOnce] = [new CostBudget(100_000), new CostBudget(100_000)]
        const late = compiled.program.evaluateValue(name => given[name as 'x'], forLate)
        const atOnce = compiled.program.evaluateValue(name => values.get(name), forAtOnce)
        expect(late).toEqual(atOnce)
        expect(forLate.left).toBe(forAtOnce.left)
      }),
      { numRuns: 4000, seed: 20261122 },
    )
  })
})
