import { celEnv, isCelError, isCelList, parse, plan } from '@bufbuild/cel'
import { strings as oracleStrings } from '@bufbuild/cel/ext'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure, type Value } from '../values/value.js'
import { callOf } from './run-expression.fixture.js'
import { strings } from './strings.js'

const environment = celEnv({ funcs: oracleStrings })
const planned = new Map<string, ReturnType<typeof plan>>()

/** `undefined` for an error. Lists of texts come back as arrays. */
function oracle(source: string, args: readonly (string | bigint | readonly (string | bigint)[])[]): unknown {
  const run = planned.get(source) ?? plan(environment, parse(source))
  planned.set(source, run)
  const [a = null, b = null, c = null] = args.map(arg => (typeof arg === 'object' ? [...arg] : arg))
  const result = run({ a, b, c })
  if (isCelError(result)) return undefined
  return isCelList(result) ? Array.from(result) : result
}

function ours(id: string, args: readonly Value[]): unknown {
  const result = callOf(strings, id)(...args)
  return result instanceof Failure ? undefined : result
}

/** The oracle counts UTF-16 units, so only texts without surrogates can be compared. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'B', ',', ' ', 'é', '\n', '\u00a0', '"'), maxLength: 12 })
const part = fc.string({ unit: fc.constantFrom('a', 'b', ','), minLength: 1, maxLength: 2 })
const position = fc.bigInt({ min: -2n, max: 14n })

describe('agrees with @bufbuild/cel', () => {
  it.each([
    ['string_char_at_int', 'a.charAt(b)', fc.tuple(text, position)],
    ['string_index_of_string', 'a.indexOf(b)', fc.tuple(text, part)],
    ['string_index_of_string_int', 'a.indexOf(b, c)', fc.tuple(text, part, position)],
    ['string_last_index_of_string', 'a.lastIndexOf(b)', fc.tuple(text, part)],
    ['string_last_index_of_string_int', 'a.lastIndexOf(b, c)', fc.tuple(text, part, position)],
    ['string_lower_ascii', 'a.lowerAscii()', fc.tuple(text)],
    ['string_upper_ascii', 'a.upperAscii()', fc.tuple(text)],
    ['string_replace_string_string', 'a.replace(b, c)', fc.tuple(text, part, text)],
    ['string_split_string', 'a.split(b)', fc.tuple(text, part)],
    ['string_substring_int', 'a.substring(b)', fc.tuple(text, position)],
    ['string_substring_int_int', 'a.substring(b, c)', fc.tuple(text, position, position)],
    ['strings_quote', 'strings.quote(a)', fc.tuple(text)],
    ['list_join', 'a.join()', fc.tuple(fc.array(text, { maxLength: 5 }))],
    ['list_join_string', 'a.join(b)', fc.tuple(fc.array(text, { maxLength: 5 }), part)],
    [
      'string_format',
      'a.format(b)',
      fc.tuple(
        fc
          .array(fc.constantFrom('%s', '%d', '%x', '%X', '%b', '%o', '%%', 'a', '%', '%.2', '%q'), { maxLength: 4 })
          .map(parts => parts.join('')),
        fc.array(fc.oneof(text, fc.bigInt({ min: -300n, max: 300n })), { minLength: 3, maxLength: 3 }),
      ),
    ],
  ] as const)('%s', (id, source, args) => {
    fc.assert(
      fc.property(args, values => {
        // Too many arguments are an error there; the specification, as cel-go reads it, does not look at them.
        const wanted = source === 'a.format(b)' ? trimmed(values) : values
        expect(ours(id, wanted)).toEqual(oracle(source, wanted))
      }),
      { numRuns: 300 },
    )
  })
})

/** Without the arguments that no clause asks for. */
function trimmed(values: readonly (string | bigint | readonly (string | bigint)[])[]) {
  const [format, list] = values
  if (typeof format !== 'string' || !Array.isArray(list)) return values
  const clauses = format.replaceAll('%%', '').split('%').length - 1
  return [format, list.slice(0, clauses)]
}

describe('code points', () => {
  const wide = fc.string({ unit: fc.constantFrom('a', '😀', 'é', '\u{10ffff}', 'b'), maxLength: 10 })

  it('are what positions count', () => {
    fc.assert(
      fc.property(wide, wide, fc.nat(12), fc.nat(12), (a, b, i, j) => {
        const points = Array.from(a)
        const inside = i <= points.length
        expect(ours('string_char_at_int', [a, BigInt(i)])).toBe(inside ? (points[i] ?? '') : undefined)
        expect(ours('string_substring_int', [a, BigInt(i)])).toBe(inside ? points.slice(i).join('') : undefined)
        const range = i <= j && j <= points.length
        expect(ours('string_substring_int_int', [a, BigInt(i), BigInt(j)])).toBe(
          range ? points.slice(i, j).join('') : undefined,
        )
        expect(ours('string_split_string', [a, ''])).toEqual(points)
        expect(ours('string_reverse', [a])).toBe([...points].reverse().join(''))
        const at = a.indexOf(b)
        expect(ours('string_index_of_string', [a, b])).toBe(BigInt(at < 0 ? -1 : Array.from(a.slice(0, at)).length))
      }),
    )
  })

  it('join(split) and replace give the text back, limits or not', () => {
    fc.assert(
      fc.property(wide, wide, fc.bigInt({ min: -1n, max: 12n }), (a, b, n) => {
        const parts = callOf(strings, 'string_split_string_int')(a, b, n)
        if (!Array.isArray(parts)) throw new Error('no list')
        if (n !== 0n) expect(parts.join(b)).toBe(a)
        if (n > 0n) expect(parts.length).toBeLessThanOrEqual(Number(n))
        expect(ours('string_replace_string_string_int', [a, b, b, n])).toBe(a)
        if (b !== '') expect(ours('string_replace_string_string', [a, b, '-'])).toBe(a.split(b).join('-'))
      }),
    )
  })
})
