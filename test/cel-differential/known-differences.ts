import type { Difference } from './compare-case.js'

/** Where we differ from cel-go, and why. Each must be met by some recorded case, and must explain all that it is about. */
export interface KnownDifference {
  readonly reason: string
  readonly what: readonly Difference['what'][]
  readonly expression?: RegExp
  /** What we answer, as JSON. */
  readonly ours?: RegExp
  readonly theirs?: RegExp
  /** For costs: how many times as dear as cel-go it may be. */
  readonly factor?: number
  /** And how many units more. */
  readonly more?: number
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    reason:
      'cel-go fails inside (an error that map() goes on with, a quantity in an optional); there is no answer to agree with',
    what: ['error'],
    theirs: /"internal"/,
  },
  {
    reason: 'goes through a map that the expression made, in an order that is another each time in Go',
    what: ['error'],
    theirs: /"unsteady"/,
  },
  {
    reason:
      'the specification wants an error for has(x.y) and x.?y of what has no fields, and so do we: an argument of the wrong shape must not pass as one that is absent. cel-go says that it is absent',
    what: ['value', 'error'],
    ours: /has no fields/,
  },
  {
    reason: 'null and doubles are no keys: what fails for them has cost what came before',
    what: ['too dear'],
    expression: /\{user\.name: /,
    factor: 12,
  },
  {
    reason: 'NaN has no place in an order; where cel-go leaves it depends on its algorithm',
    what: ['value', 'error'],
    ours: /cannot order NaN/,
  },
  {
    reason:
      'cel-go lets a later entry of a map literal replace or, if optional and absent, remove an earlier one with the same key; that is an error in the specification',
    what: ['value', 'error'],
    ours: /a key stands in the map twice/,
  },
  {
    reason: 'null and doubles are no keys; cel-go takes them in a literal',
    what: ['value', 'error'],
    ours: /unsupported key type/,
  },
  {
    reason: 'which overload a list with a null at its beginning goes to is decided by the checker in cel-go; both fail',
    what: ['error'],
    ours: /no such overload: list\.@?sort/,
    theirs: /"invalid argument"/,
  },
  {
    reason: 'cel-go checks the arguments of a constant format when it compiles; we do when it is evaluated',
    what: ['compiles'],
    expression: /"\.format\(\[/,
    theirs: /"not"/,
  },
  {
    reason: 'cel-go cannot make a program with a list of constant types',
    what: ['compiles'],
    expression: /\b(?:null_type|string|int|type)\b[\],)]/,
    ours: /^"type\(/,
    theirs: /"not"/,
  },
  {
    reason: 'cel-go leaves the type of an element of a dyn open, and what comes next decides it; with us it is dyn',
    what: ['type', 'compiles', 'error'],
    expression: /args\.\w+|optional\.of\(\{|user\.groups/,
    ours: /dyn/,
  },
  {
    reason: 'we make the list or map that a macro gives, and charge for it; cel-go takes nothing for constants in it',
    what: ['too dear'],
    expression: /\.(?:map|filter|transform\w+|sortBy)\(/,
    factor: 13,
    more: 60,
  },
  {
    reason:
      'a pattern that is not constant is compiled each time, and the search for matches counts as well; cel-go takes a unit for four characters of the pattern',
    what: ['too dear'],
    expression: /\.(?:find|findAll)\(|matches\(/,
    factor: 100,
  },
  {
    reason: 'looking up a time zone takes two hundred microseconds, and asking it for its offset some',
    what: ['too dear'],
    expression: /\.get\w+\((?:"\w+\/|s\))/,
    factor: 1100,
  },
  {
    reason: 'sort() of a dyn costs what it does; cel-go finds no price for it, and none for comparing long bytes',
    what: ['too dear'],
    expression: /\.sort\(\)/,
    factor: 50,
  },
  {
    reason: 'flatten() looks at each element, for which cel-go takes half a unit',
    what: ['too dear'],
    expression: /\.flatten\(/,
    factor: 5,
  },
  {
    reason: 'format() costs for all that it shows; cel-go takes the length of the format',
    what: ['too dear'],
    expression: /\.format\(\[/,
    factor: 8,
  },
]

/** The first entry of the list that explains a difference. */
export function explanationOf(difference: Difference): KnownDifference | undefined {
  const ours = JSON.stringify(difference.ours)
  const theirs = JSON.stringify(difference.theirs)
  return knownDifferences.find(known => {
    if (!known.what.includes(difference.what)) return false
    if (known.expression !== undefined && !known.expression.test(difference.expression)) return false
    if (known.ours !== undefined && !known.ours.test(ours)) return false
    if (known.theirs !== undefined && !known.theirs.test(theirs)) return false
    return (
      known.factor === undefined ||
      Number(difference.ours) <= known.factor * Number(difference.theirs) + (known.more ?? 0)
    )
  })
}
