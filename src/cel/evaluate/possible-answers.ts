import type { Expr } from '../syntax/ast.js'
import type { Activation, UnknownPattern } from './frame.js'
import type { Program } from './program.js'

/** Whether a condition may turn out true, and false. Neither: it is an error whatever the unknown part is. */
export interface PossibleAnswers {
  readonly true: boolean
  readonly false: boolean
  readonly cost: number
}

export type Possible = (activation: Activation, unknowns: readonly UnknownPattern[], budget: number) => PossibleAnswers

export const anyAnswer: Possible = () => ({ true: true, false: true, cost: 0 })

/**
 * What a condition may come to that is unknown as a whole: `error && unknown` is never true, `unknown ? false : false` is
 * false. Looks at `&&`, `||`, `!` and `?:` from the top; what stands below is evaluated by itself, and may be anything where it
 * is unknown. Every answer that is possible is said to be; one that is not may be (`x && !x`). Compiles what it needs when it
 * is first asked.
 */
export function possibleAnswers(expr: Expr, compile: (expr: Expr) => Program): Possible {
  const operands = logicOf(expr)
  if (operands === undefined || expr.kind !== 'call') return leaf(expr, compile)
  const parts = operands.map(operand => possibleAnswers(operand, compile))
  return (activation, unknowns, budget) => {
    let cost = 0
    const answers = parts.map(part => {
      const answer = part(activation, unknowns, Math.max(0, budget - cost))
      cost += answer.cost
      return answer
    })
    return { ...combined(expr.name, answers), cost }
  }
}

function logicOf(expr: Expr): readonly Expr[] | undefined {
  if (expr.kind !== 'call' || expr.target !== undefined) return undefined
  return ['_&&_', '_||_', '!_', '_?_:_'].includes(expr.name) ? expr.args : undefined
}

function combined(name: string, answers: readonly PossibleAnswers[]): Omit<PossibleAnswers, 'cost'> {
  const [first, yes, no] = answers
  switch (name) {
    case '_&&_':
      return { true: answers.every(one => one.true), false: answers.some(one => one.false) }
    case '_||_':
      return { true: answers.some(one => one.true), false: answers.every(one => one.false) }
    case '!_':
      return { true: first?.false !== false, false: first?.true !== false }
    default: {
      const may = (answer: 'true' | 'false') =>
        (first?.true !== false && yes?.[answer] !== false) || (first?.false !== false && no?.[answer] !== false)
      return { true: may('true'), false: may('false') }
    }
  }
}

function leaf(expr: Expr, compile: (expr: Expr) => Program): Possible {
  let program: Program | undefined
  return (activation, unknowns, budget) => {
    program ??= compile(expr)
    const evaluated = program.evaluatePartial(activation, unknowns, budget)
    const { kind, cost } = evaluated
    // What costs too much is not certain, nor is what waits.
    const open = kind === 'unknown' || kind === 'suspended' || cost > budget
    const value = kind === 'value' ? evaluated.value : undefined
    return { true: open || value === true, false: open || value === false, cost }
  }
}
