import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../values/value.js'
import { costOf, run, valueOrError } from './kubernetes-libraries.fixture.js'
import { parseQuantity, type Quantity } from './quantity-value.js'

const read = (text: string): Quantity => {
  const quantity = parseQuantity(text)
  if (quantity instanceof Failure) throw new Error(`${text}: ${quantity.message}`)
  return quantity
}

/** In billionths. */
const nanos = (quantity: Quantity): bigint => quantity.coefficient * 10n ** BigInt(quantity.exponent + 9)

const written = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.bigInt({ min: 0n, max: 10n ** 25n }),
    fc.option(fc.bigInt({ min: 0n, max: 10n ** 12n })),
    fc.constantFrom('n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'e3', 'E-2', 'e12'),
  )
  .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`)

describe('quantities', () => {
  it('are compared, added and subtracted as exact numbers', () => {
    fc.assert(
      fc.property(written, written, (a, b) => {
        const [x, y] = [read(a), read(b)]
        const difference = nanos(x) - nanos(y)
        expect(x.compare(y)).toBe(difference === 0n ? 0 : difference < 0n ? -1 : 1)
        const [sum, rest] = [x.add(y), x.add(y.negate())]
        expect(sum instanceof Failure || nanos(sum)).toBe(nanos(x) + nanos(y))
        expect(rest instanceof Failure || nanos(rest)).toBe(difference)
      }),
    )
  })

  it('are rounded away from zero below a billionth', () => {
    expect(valueOrError('quantity("0.1n") == quantity("1n")')).toBe(true)
    expect(valueOrError('quantity("-0.1n") == quantity("-1n")')).toBe(true)
    expect(valueOrError('quantity("1e-2000000000") == quantity("1n")')).toBe(true)
  })

  it('stop at the largest int64 if they are binary, and only then', () => {
    expect(valueOrError('quantity("9Ei") == quantity("9223372036854775807")')).toBe(true)
    expect(valueOrError('quantity("-9Ei") == quantity("-9223372036854775807")')).toBe(true)
    expect(valueOrError('quantity("10E").isGreaterThan(quantity("9Ei"))')).toBe(true)
  })

  it('are not changed by what is done with them', () => {
    const quantity = read('9223372036854775807.5')
    quantity.add(read('1'))
    quantity.compare(read('1'))
    expect(nanos(quantity)).toBe(9223372036854775807500000000n)
  })
})

describe('hostile quantities', () => {
  it.each([
    ['an exponent of two billions', 'quantity("1e2147483647").compareTo(quantity("1"))', 1n],
    ['two such exponents', 'quantity("1e2147483647").isLessThan(quantity("2e2147483647"))', true],
    ['an exponent that Kubernetes takes for a negative one', 'sign(quantity("1e2147483648"))', 1n],
    ['a sum over two billion digits', 'quantity("1e2147483647").add(1)', 'error'],
    ['a sum with a digit too many', 'quantity("1e600").add(1)', 'error'],
    ['a zero of two billions', 'quantity("0e2147483647").asInteger()', 0n],
    ['a long number with a large exponent', 'isQuantity("12345678901234567890e2147483000")', false],
    ['digits that are not ASCII', 'isQuantity("\\u0661\\uff12")', false],
    ['a micro sign', 'isQuantity("1\\u00b5")', false],
    ['white space', 'isQuantity(" 1") || isQuantity("1\\n")', false],
  ])('%s', (_, expression, value) => {
    expect(valueOrError(expression)).toEqual(value)
  })

  it.each([
    ['digits', '1'.repeat(200_000)],
    ['zeros', '0'.repeat(200_000)],
    ['fraction', `0.${'1'.repeat(200_000)}`],
    ['exponent', `1e${'0'.repeat(200_000)}${'1'.repeat(30)}`],
    ['suffix', `1${'E'.repeat(200_000)}`],
  ])('very many %s take time in proportion, and are charged', (_, text) => {
    const started = performance.now()
    const result = run('isQuantity(text)', { variables: { text } })
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(result.cost).toBeGreaterThanOrEqual(text.length / 10)
    expect(run('isQuantity(text)', { variables: { text }, budget: 1_000 }).ok).toBe(false)
  })

  it('sums do not grow without end', () => {
    let sum: Quantity | Failure = read('1e255')
    for (let i = 0; i < 2_000 && !(sum instanceof Failure); i++) sum = sum.add(sum)
    expect(sum).toBeInstanceOf(Failure)
  })

  it('cost as Kubernetes says', () => {
    expect(costOf('quantity("123456789012345678901")')).toBe(3)
    expect(costOf('quantity("1").add(quantity("2")).isInteger()')).toBe(4)
  })
})
