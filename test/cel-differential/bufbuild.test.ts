import { isDeepStrictEqual } from 'node:util'
import { type CelValue, isCelError, run } from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { describe, expect, it } from 'vitest'
import { Random } from '../fuzz/random.js'
import { fromBufbuild, plain, toBufbuild } from './bufbuild-values.js'
import { prepare } from './kubernetes-program.js'
import { randomExpression } from './random-expression.js'
import { randomInput } from './random-inputs.js'
import { readTagged } from './tagged-value.js'

/** Always the same cases. */
const seed = 5_000_011
const wanted = 4000

/** What `@bufbuild/cel` does not have: optionals, macros over two variables, libraries, names of types other than its own. */
const notCommon =
  /\?\.|\.\?|\[\?|[{,[] ?\?[a-z"({[]|optional|maybe|optMap|optFlatMap|transform|sortBy|existsOne|sets\.|lists\.|isSorted|\.(?:min|max|sum|sort|slice|flatten|distinct|reverse|first|last|find|findAll|validate|getQuery|masked|ip|add|sub)\(|quantity|Quantity|semver|Semver|\bip\b|isIP|IP\(|cidr|CIDR|url\(|isURL|format\.|jsonpatch|net\.|kubernetes|(?:all|exists|exists_one)\(\w+, \w+,|sign\(|\btype\b|\bstring\b(?!\()|\bint\b(?!\()|\blist\b|null_type|google\.|lastIndexOf\(|\.indexOf\(|\bmap\b(?!\()/

/** Where the two differ, and why we are right, or must be as Kubernetes is. */
interface Known {
  readonly expression: RegExp
  readonly reason: string
  readonly ours?: RegExp
}

const known: readonly Known[] = [
  { expression: /string\(/, reason: 'the sign of -0.0 is shown in cel-go', ours: /-0/ },
  {
    expression: /[<>]/,
    reason: 'NaN has no order in cel-go, which is an error; there it is neither',
    ours: /NaN has no order/,
  },
  {
    expression: /./,
    reason: 'a text that is no number is an error; there it is NaN or 0',
    ours: /(?:double|uint|int|duration)\(\)/,
  },
  { expression: /\btimestamp\((?!")/, reason: 'timestamp(int) counts seconds (cel-spec, cel-go); there milliseconds' },
  { expression: /\bint\(/, reason: 'int(duration) are nanoseconds in cel-go; there seconds' },
  { expression: /has\(/, reason: 'a member that is null is there; it says that it is not' },
  { expression: /(?<!\.)matches\(/, reason: 'it has matches() as a method only' },
  {
    expression: /\.format\(/,
    reason: 'format() looks as in version 2 of the extension, as in Kubernetes; there as in version 4',
  },
  { expression: /\.get\w+\(["s]/, reason: 'it does not know the local time of years long ago' },
  { expression: /getMilliseconds\(\)/, reason: 'of a duration it gives those beside the seconds, cel-go all of them' },
  {
    expression: /\.replace\(/,
    reason: 'replacing the empty text at most n times goes on behind the last character there',
  },
]

interface Difference {
  readonly expression: string
  readonly ours: unknown
  readonly theirs: unknown
}

function explains({ expression, ours }: Known, difference: Difference): boolean {
  return expression.test(difference.expression) && (ours === undefined || ours.test(String(difference.ours)))
}

function compare(expression: string, random: Random): Difference | undefined | 'not common' {
  if (notCommon.test(expression)) return 'not common'
  const prepared = prepare(expression)
  if (!prepared.ok) return 'not common'
  const values = Object.fromEntries(
    Object.entries(randomInput(random))
      .filter(([name]) => !notCommon.test(name) && expression.includes(name))
      .map(([name, value]) => [name, readTagged(value)]),
  )
  const result = prepared.program.evaluate(name => values[name])
  const bindings = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toBufbuild(value)]))
  const answer = run(expression, bindings, { funcs: strings })
  const ours = result.ok ? plain(result.value) : 'error'
  const theirs = isCelError(answer) ? 'error' : readAnswer(answer)
  if (theirs === unreadable) return 'not common'
  if (isDeepStrictEqual(ours, theirs)) return undefined
  return {
    expression,
    ours: result.ok ? ours : result.error.message,
    theirs: isCelError(answer) ? answer.message : theirs,
  }
}

const unreadable = Symbol('an answer that cannot be read')

/** A list of times that were given to it cannot be read when the evaluation is over: it throws. */
function readAnswer(answer: CelValue): unknown {
  try {
    return fromBufbuild(answer)
  } catch {
    return unreadable
  }
}

describe('random expressions, as @bufbuild/cel', () => {
  const differences: Difference[] = []
  let compared = 0
  for (let i = 0; compared < wanted; i++) {
    const random = new Random(seed, i)
    const expression = randomExpression(random)
    if (/^\w+$/.test(expression)) continue
    const difference = compare(expression, random)
    if (difference === 'not common') continue
    compared++
    if (difference !== undefined) differences.push(difference)
  }

  it('have the same value, or an error in both', () => {
    expect(differences.filter(difference => !known.some(one => explains(one, difference)))).toEqual([])
  })

  it.each(known)('differ, if in $expression, because $reason', one => {
    expect(differences.some(difference => explains(one, difference))).toBe(true)
  })

  it('differ seldom', () => expect(differences.length / compared).toBeLessThan(0.04))
})
