import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSignature } from '../types/parse-signature.js'
import { Opaque, OptionalValue, TypeValue, Uint, type Value } from '../values/value.js'
import { Cidr } from './cidr.js'
import { IpAddress } from './ip-address.js'
import { costOf, kubernetesLibraries, run } from './kubernetes-libraries.fixture.js'

/** As test/cel-go writes it. */
interface Recorded {
  readonly expression: string
  readonly value?: unknown
  readonly error?: 'compile' | 'evaluate'
  readonly cost?: number
}

const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(new URL('../testdata/kubernetes-libraries.json', import.meta.url), 'utf8'),
)

function tagged(value: Value): unknown {
  if (typeof value === 'bigint') return { int: String(value) }
  if (typeof value === 'number') return { double: String(value) }
  if (value instanceof Uint) return { uint: String(value.value) }
  if (value instanceof OptionalValue) return { optional: value.value === undefined ? [] : [tagged(value.value)] }
  if (value instanceof TypeValue) return { type: value.name }
  if (value instanceof IpAddress || value instanceof Cidr) return { opaque: value.type, text: String(value) }
  if (value instanceof Opaque) return { opaque: value.type }
  if (value instanceof Map) {
    const entries = Array.from(value, ([key, item]) => [tagged(key), tagged(item)])
    return { map: entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) }
  }
  return Array.isArray(value) ? value.map(tagged) : value
}

/** Doubles are compared as numbers, because the two sides print them differently. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'double' ? { number: Number(item) } : normal(item)]),
  )
}

/** Where we differ from a Kubernetes API server, on purpose. */
const deviations: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/e300"/, 'a quantity has at most 256 digits, so that nobody can make us count to a billion of them'],
  [/\.sub\(-9223372036854775808\)/, 'Kubernetes loses the sign of the least int; the difference is exact here'],
  [/^quantity\("50020"\) == quantity\("50k"\)\.add/, 'in Kubernetes a sum has no equal on its left side'],
  [/%ff/, 'a CEL string cannot hold bytes that are not UTF-8'],
  [
    /^semver\(.*(9223372036854775808|18446744073709551615).*(or|patch)\(\)/,
    'Kubernetes shows numbers beyond int as negative',
  ],
]

describe('the functions of Kubernetes 1.36', () => {
  const rows = readFileSync(new URL('../testdata/kubernetes-functions.tsv', import.meta.url), 'utf8')
    .split('\n')
    .map(line => line.split('\t'))
    .flatMap(([, id, signature]) => (signature === undefined ? [] : [`${id}: ${signature}`]))
  const ours = kubernetesLibraries
    .flatMap(({ functions }) => functions)
    .map(({ id, signature }) => `${id}: ${signature}`)
  /** An overload is one of these libraries' if it takes or gives one of their types, or is a question about a text. */
  const isOurs = /kubernetes\.|net\.|\bis(?:IP|CIDR|URL|Quantity|Semver)\(|\bip\.isCanonical|: format\./

  it('are all there, with their ids and signatures, and no others', () => {
    const theirs = rows.filter(row => isOurs.test(row))
    // Of the environment of MutatingAdmissionPolicy, which the table does not show.
    const escapeKey = 'string_jsonpatch_escapeKey_string: jsonpatch.escapeKey(string) -> string'
    expect([...ours].sort()).toEqual([...theirs, escapeKey].sort())
  })

  it('have ids that occur once, signatures that can be read, and types that are named', () => {
    expect(new Set(ours).size).toBe(ours.length)
    for (const { functions, types = [] } of kubernetesLibraries) {
      for (const { id, signature } of functions) {
        const { result } = parseSignature(id, signature)
        if (result.kind === 'opaque' && !id.startsWith('resourcecheck')) expect(types, id).toContain(result.name)
      }
    }
  })

  it('answer arguments of other types with a failure or a value, never an exception', () => {
    for (const { call } of kubernetesLibraries.flatMap(({ functions }) => functions)) {
      for (const args of [[], [null], [null, null], ['', null], [null, '', '']]) {
        expect(() => call(args, { charge: () => true })).not.toThrow()
      }
    }
  })
})

const kind = (expression: string): string => /[a-zA-Z]+/.exec(expression)?.[0] ?? ''
const kinds = [...new Set(recorded.map(({ expression }) => kind(expression)))]

describe('deviations', () => {
  it.each(deviations)('%s: %s', pattern => {
    const meant = recorded.filter(({ expression }) => pattern.test(expression))
    expect(
      meant.some(({ value, error, expression }) => {
        const result = run(expression)
        const theirs = error === undefined ? normal(value) : 'error'
        return JSON.stringify(result.ok ? normal(tagged(result.value)) : 'error') !== JSON.stringify(theirs)
      }),
    ).toBe(true)
  })
})

describe.each(kinds)('as cel-go in Kubernetes: %s', name => {
  const cases = recorded.filter(({ expression }) => kind(expression) === name)

  it(`${cases.length} expressions have the same value or error`, () => {
    const different = cases.flatMap(({ expression, value, error }) => {
      if (deviations.some(([pattern]) => pattern.test(expression))) return []
      const result = run(expression)
      const ours = result.ok ? normal(tagged(result.value)) : 'error'
      const theirs = error === undefined ? normal(value) : 'error'
      return JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [{ expression, ours, theirs }]
    })
    expect(different).toEqual([])
  })

  /** Kubernetes takes nothing for reading an empty text, and one unit for `isURL` of any length, which we do not follow. */
  it('they cost as much, within a factor of two', () => {
    const different = cases.flatMap(({ expression, cost }) => {
      const ours = costOf(expression)
      if (ours === undefined || cost === undefined) return []
      const theirs = Math.max(cost, 1)
      return theirs <= 2 * ours && (ours <= 2 * theirs || name === 'isURL') ? [] : [{ expression, ours, theirs }]
    })
    expect(different).toEqual([])
  })
})
