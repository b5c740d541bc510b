import type { Dimension } from './dimension.js'
import type { Hints } from './expression-hints.js'
import { below, type Random, shuffled } from './random.js'
import type { RuleWords } from './vocabulary.js'

/** Dimensions, each with one of its choices. */
export type Overlay = readonly (readonly [dimension: number, chosen: number])[]

export interface RecipeOptions {
  /** Combinations at most; of more, some are taken by chance. */
  readonly most: number
  /** Values of each thing that its expressions look at. */
  readonly values: number
}

/**
 * The calls that a rule asks for by its own words: one of the callers that it names, with each combination of the values that
 * its expressions look at. Conditions that only count together are met together.
 */
export function recipeOf(
  dimensions: readonly Dimension[],
  rule: RuleWords,
  random: Random,
  { most, values }: RecipeOptions,
): readonly Overlay[] {
  const { subjects, agents, scoped, hints } = rule
  const labelled = (labels: readonly string[]) =>
    labels.flatMap(label =>
      dimensions.flatMap(({ name, choices }, index) => {
        const chosen = name === 'another group' ? -1 : choices.findIndex(one => one.label === label)
        return chosen < 0 ? [] : [[index, chosen] as const]
      }),
    )
  const columns: (readonly (readonly [number, number])[])[] = [labelled(subjects), labelled(agents)]
  if (scoped)
    columns.push(
      labelled(
        dimensions
          .find(({ name }) => name === 'scopes')
          ?.choices.map(one => one.label)
          .slice(1, 2) ?? [],
      ),
    )
  for (const index of dimensions.keys()) {
    const chosen = chosenOf(dimensions[index], hints, values)
    if (chosen.length > 0) columns.push(chosen.map(one => [index, one] as const))
  }
  return combinations(
    columns.filter(({ length }) => length > 0),
    most,
    random,
  )
}

/** Whether expressions of a rule look at something of the call that can be chosen. */
export function isTouched({ read }: Dimension, hints: Hints): boolean {
  const paths = hints.paths.map(path => path.join('.'))
  return read.some(one => paths.includes(one))
}

function chosenOf(dimension: Dimension | undefined, hints: Hints, most: number): readonly number[] {
  if (dimension === undefined || !isTouched(dimension, hints)) return []
  const values = new Set<unknown>(dimension.read.flatMap(path => hints.at(...path.split('.'))))
  const indices = [...dimension.choices.keys()]
  const named = indices.filter(index => values.has(dimension.choices[index]?.value))
  // What is not compared as it stands (times, sizes, lists of scopes) may be anything.
  const others = indices.filter(index => !named.includes(index))
  const some = named.length > 0 ? [...named.slice(0, most), ...others.slice(0, 2)] : others.slice(0, most * 3)
  return some
}

function combinations(
  columns: readonly (readonly (readonly [number, number])[])[],
  most: number,
  random: Random,
): readonly Overlay[] {
  const count = columns.reduce((product, { length }) => product * length, 1)
  if (count <= most) {
    const all = columns.reduce<readonly Overlay[]>(
      (some, column) => some.flatMap(overlay => column.map(one => [...overlay, one])),
      [[]],
    )
    return shuffled(random, all)
  }
  return Array.from({ length: most }, () =>
    columns.flatMap(column => {
      const one = column[below(random, column.length)]
      return one === undefined ? [] : [one]
    }),
  )
}

/** Combinations of what permissions hang on, at most. */
const mostOpening = 1500

/**
 * Who asks, with every combination of what permissions hang on: they open together or not at all. Those with the least that is
 * not plain first: one that opens early is where all else starts from. Otherwise in an order of chance.
 * @param bound labels of those whom RBAC gives something; empty: nobody knows
 */
export function openingOf(
  dimensions: readonly Dimension[],
  bound: ReadonlySet<string>,
  random: Random,
): readonly Overlay[] {
  const opening = [...dimensions.keys()].filter(index => dimensions[index]?.opens === true)
  const isWho = (index: number) => dimensions[index]?.who === true
  let things: readonly Overlay[] = [[]]
  for (const index of opening.filter(one => !isWho(one)))
    things = things.flatMap(some => choicesOf(dimensions, index).map(one => [...some, one])).slice(0, mostOpening)
  const isBound = (index: number, chosen: number) =>
    bound.size === 0 || bound.has(dimensions[index]?.choices[chosen]?.label ?? '')
  const whos = [...dimensions.keys()]
    .filter(index => isWho(index) && dimensions[index]?.name !== 'another group')
    .flatMap(index => choicesOf(dimensions, index).filter(([, chosen]) => isBound(index, chosen)))
  const all = whos.flatMap(who => things.map(some => [...some, who]))
  const byStrangeness: Overlay[][] = []
  for (const overlay of all) {
    let strange = 0
    for (const [, chosen] of overlay) if (chosen !== 0) strange++
    while (byStrangeness.length <= strange) byStrangeness.push([])
    byStrangeness[strange]?.push(overlay)
  }
  const first: Overlay[] = []
  for (const some of byStrangeness)
    if (first.length < mostOpening) first.push(...shuffled(random, some).slice(0, mostOpening - first.length))
  return first
}

/** Every pair of choices in two dimensions, in an order of chance. */
export function* pairsOf(dimensions: readonly Dimension[], random: Random): Generator<Overlay, undefined, undefined> {
  const sides = dimensions.flatMap((_, at) => dimensions.slice(at + 1).map((_, more) => [at, at + 1 + more] as const))
  const left = shuffled(random, sides).map(([one, other]) => {
    const pairs = choicesOf(dimensions, one).flatMap(a => choicesOf(dimensions, other).map(b => [a, b] as const))
    return shuffled(random, pairs)
  })
  // Some of each in turn: a dimension with many choices must not keep the others waiting.
  for (let some = true; some; ) {
    some = false
    for (const pairs of left)
      for (const pair of pairs.splice(0, 4)) {
        some = true
        yield pair
      }
  }
  return undefined
}

function choicesOf(dimensions: readonly Dimension[], index: number): readonly (readonly [number, number])[] {
  return dimensions[index]?.choices.map((_, chosen) => [index, chosen] as const) ?? []
}
