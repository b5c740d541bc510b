import type { Decision } from '../../../decision/decision.js'
import type { Judge } from './judge.js'
import { type Evaluation, type EvaluationRules, readEvaluation } from './read-evaluation.js'
import type { Semantic, Tuple } from './read-evaluations.js'
import type { Refused } from './refused.js'
import { type EvaluationResponse, writeEvaluation } from './write-evaluation.js'

/** Milliseconds for which the other requests of the process are kept waiting at most, between two evaluations. */
const turnMs = 10

export interface EvaluateOptions {
  readonly judge: Judge
  readonly rules: EvaluationRules
}

/** One evaluation; undefined as response when it is not well-formed, so that the whole request is refused. */
export async function evaluateOne(
  tuple: Tuple,
  { judge, rules }: EvaluateOptions,
): Promise<EvaluationResponse | Refused> {
  const read = readEvaluation(tuple, rules)
  if (!read.ok && read.reason === undefined) return read
  return ask(read, judge)
}

/**
 * Several evaluations, answered in their order. What is wrong with one of them denies that one. With the semantics that
 * end early, what stands behind the deciding one is neither asked nor recorded, and not in the answer.
 */
export async function evaluateMany(
  tuples: readonly Tuple[],
  semantic: Semantic,
  { judge, rules }: EvaluateOptions,
): Promise<readonly EvaluationResponse[]> {
  const answers: (EvaluationResponse | Promise<EvaluationResponse>)[] = []
  let turn = performance.now()
  for (const tuple of tuples) {
    const answer = ask(readEvaluation(tuple, rules), judge)
    if (semantic === 'execute_all') answers.push(answer)
    else {
      const settled = await answer
      answers.push(settled)
      if (settled.decision === (semantic === 'permit_on_first_permit')) break
    }
    if (performance.now() - turn < turnMs) continue
    await new Promise(resolve => setImmediate(resolve))
    turn = performance.now()
  }
  return Promise.all(answers)
}

function ask(read: Evaluation | Refused, judge: Judge): EvaluationResponse | Promise<EvaluationResponse> {
  if (!read.ok) return writeEvaluation(judge.refuse(read), false)
  const { addressed } = read
  const write = (decision: Decision) => writeEvaluation(decision, addressed)
  const decision = judge.decide(read.request)
  if (!(decision instanceof Promise)) return write(decision)
  const written = decision.then(write)
  // It is looked at when all have been asked; until then a failure must not count as nobody's.
  written.catch(() => undefined)
  return written
}
