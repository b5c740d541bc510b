import { Failure, type Value } from '../values/value.js'
import { constantCode, constantOf } from './compiled.js'
import { type Code, Frame, merge, type Slots, type Step } from './frame.js'
import { type LazyCode, type LazyStep, lazyFormOf } from './lazy-form.js'

/** A link of a chain: an operation on the value before it, and the other operands that it reads. */
export interface Link {
  readonly step: Step
  /** The same, where what comes from outside need not be converted. */
  readonly lazyStep?: LazyStep
  readonly operands: readonly Code[]
  /** Whether it gives the same for the same: then it is worked out once, when all it needs is constant. */
  readonly pure: boolean
}

/** What folding a constant may cost; what costs more is left for later. */
const foldBudget = 10_000
const nestedLinks = 8
const noSlots: Slots = { variables: 0, locals: 0, prepared: new Set() }

/** The chain as one code: closures around closures while it is short, a loop when it is long. */
export function chain(head: Code, links: readonly Link[], onFailure: (failure: Failure) => void): Code {
  const first = links.findIndex(link => !(constantOf(head) && link.pure && link.operands.every(constantOf)))
  let start = head
  let done = 0
  while (done < (first < 0 ? links.length : first)) {
    const link = links[done]
    const folded = link && fold(start, link, onFailure)
    if (folded === undefined) break
    start = folded
    done++
  }
  const next = links[done]
  if (next?.lazyStep !== undefined && lazyFormOf(start) !== undefined) {
    start = lazyNest(start, next.lazyStep, next.operands)
    done++
  }
  const rest = links.slice(done)
  return rest.length > nestedLinks ? loop(start, rest) : rest.reduce(nest, start)
}

function fold(code: Code, link: Link, onFailure: (failure: Failure) => void): Code | undefined {
  const constant = constantOf(code)
  if (constant === undefined) return undefined
  const frame = new Frame(() => undefined, foldBudget, undefined, noSlots)
  const value = link.step(constant.value, frame)
  if (frame.left < 0) return undefined
  if (!(value instanceof Failure)) return constantCode(value)
  onFailure(value)
  return undefined
}

function nest(code: Code, link: Link): Code {
  const { step, operands } = link
  return frame => {
    const value = code(frame)
    return value instanceof Failure ? failed(value, operands, frame) : step(value, frame)
  }
}

function lazyNest(code: Code, step: LazyStep, operands: readonly Code[]): Code {
  const read: LazyCode = lazyFormOf(code) ?? code
  return frame => {
    const given = read(frame)
    return given instanceof Failure ? failed(given, operands, frame) : step(given, frame)
  }
}

function loop(head: Code, links: readonly Link[]): Code {
  return frame => {
    let value = head(frame)
    for (const { step, operands } of links) {
      value = value instanceof Failure ? failed(value, operands, frame) : step(value, frame)
      if (value instanceof Failure && frame.unknowns === undefined) return value
    }
    return value
  }
}

/** The value before failed. With unknowns, the other operands are looked at too: for an error, and for more unknowns. */
function failed(failure: Failure, operands: readonly Code[], frame: Frame): Failure {
  if (frame.unknowns === undefined) return failure
  let found = failure
  for (const operand of operands) {
    const value = operand(frame)
    if (value instanceof Failure) found = merge(found, value)
  }
  return found
}

/** The values of all operands, or why not: the first failure, or with unknowns what all of them say. */
export function valuesOf(operands: readonly Code[], frame: Frame, values: Value[]): Failure | undefined {
  let failure: Failure | undefined
  for (const operand of operands) {
    const value = operand(frame)
    if (value instanceof Failure) {
      if (frame.unknowns === undefined) return value
      failure = failure === undefined ? value : merge(failure, value)
    } else values.push(value)
  }
  return failure
}

/** A code whose parts are all constant is worked out now; where that fails it is left as it is. */
export function folded(code: Code, parts: readonly Code[], onFailure?: (failure: Failure) => void): Code {
  if (!parts.every(constantOf)) return code
  return chain(constantCode(null), [{ step: (_, frame) => code(frame), operands: parts, pure: true }], failure =>
    onFailure?.(failure),
  )
}
