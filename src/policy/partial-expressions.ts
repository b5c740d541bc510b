import type {
  Activation,
  AttributePath,
  CelOutput,
  CelProgram,
  CostBudget,
  UnknownPattern,
} from '../cel/environment.js'
import { limits } from '../cel/limits.js'
import { type NamedProgram, type VariableProgram, withVariables } from './expressions.js'

/** The part of a call that is known before it is made. */
export interface Foresight {
  /** Of the unknown part it must not ask anybody: what it says of that does not matter. */
  readonly activation: Activation
  readonly unknowns: readonly UnknownPattern[]
  readonly budget: CostBudget
}

/** What hangs on the unknown part. Whatever that is, `neverTrue`: it is false or an error; `neverFalse`: true or an error. */
export interface Open {
  readonly kind: 'open'
  readonly on: readonly AttributePath[]
  readonly neverTrue: boolean
  readonly neverFalse: boolean
}

/** What an expression comes to whatever the unknown part turns out to be; else what it hangs on (not all of it, perhaps). */
export type Foreseen =
  | { readonly kind: 'value'; readonly value: CelOutput }
  | { readonly kind: 'error'; readonly error: string }
  | Open

/**
 * Evaluates with a part of the input unknown. That it costs too much is not certain: with more known, less may have to be
 * looked at. Neither is what waits for an authorizer.
 */
export function foresee(program: CelProgram, { activation, unknowns, budget }: Foresight): Foreseen {
  if (budget.spent) return open
  const before = budget.left
  // Counts what variables cost that are read here for the first time.
  const evaluated = program.evaluatePartial(activation, unknowns, budget)
  if (before - budget.left > Math.min(before, limits.budget)) return open
  switch (evaluated.kind) {
    case 'unknown':
      return { kind: 'open', on: evaluated.paths, neverTrue: evaluated.neverTrue, neverFalse: evaluated.neverFalse }
    case 'suspended':
      return waiting
    default:
      return evaluated
  }
}

const open: Open = { kind: 'open', on: [], neverTrue: false, neverFalse: false }
const waiting: Open = { ...open, on: [['authorizer']] }

export type ForeseenConditions = { readonly kind: 'true' | 'false' | 'error' } | Open

/** As `evaluateConditions`: any false wins over an error, and what is open may still be false. */
export function foreseeConditions(conditions: readonly NamedProgram[], foresight: Foresight): ForeseenConditions {
  let failed = false
  let neverTrue = false
  let neverFalse = true
  let hangsOn: readonly AttributePath[] | undefined
  for (const { program } of conditions) {
    const foreseen = foresee(program, foresight)
    if (foreseen.kind === 'open') {
      hangsOn = [...(hangsOn ?? []), ...foreseen.on]
      neverTrue ||= foreseen.neverTrue
      neverFalse &&= foreseen.neverFalse
    } else if (foreseen.kind === 'error') failed = true
    else if (foreseen.value === false) return { kind: 'false' }
    else if (foreseen.value !== true) failed = true
  }
  if (hangsOn !== undefined) return { kind: 'open', on: hangsOn, neverTrue: neverTrue || failed, neverFalse }
  return { kind: failed ? 'error' : 'true' }
}

/**
 * Adds `variables`: those that are open are unknown themselves. Those that are not come to the same whatever the unknown part
 * is, so that they can be evaluated as if it were not there.
 */
export function withForeseenVariables(foresight: Foresight, variables: readonly VariableProgram[]): Foresight {
  if (variables.length === 0) return foresight
  const { activation, budget } = foresight
  let { unknowns } = foresight
  for (const [index, { name, program }] of variables.entries()) {
    const before = withVariables(activation, variables.slice(0, index), budget)
    const { kind } = foresee(program, { activation: before, unknowns, budget })
    if (kind === 'open') unknowns = [...unknowns, ['variables', name]]
  }
  return { activation: withVariables(activation, variables, budget), unknowns, budget }
}
