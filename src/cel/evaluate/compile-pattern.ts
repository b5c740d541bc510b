import { matchesPattern } from '../library/matches-pattern.js'
import { preparedAgain } from '../library/patterns.js'
import { Failure, type Result } from '../values/value.js'
import type { CompileSession } from './compile-session.js'
import { constantOf } from './compiled.js'
import { type Code, type Frame, place, spent } from './frame.js'

/**
 * `text.matches('…')`: compiled here, and a problem at load if RE2 refuses it. undefined for a pattern that is not
 * constant.
 */
export function compilePatternTest(
  session: CompileSession,
  code: Code | undefined,
  at: number,
): ((text: string, frame: Frame) => Result) | undefined {
  const constant = code && constantOf(code)
  if (typeof constant?.value !== 'string') return undefined
  const source = constant.value
  const compiled = session.preparePattern(source)
  if (compiled instanceof Failure) {
    session.problems.push({ message: compiled.message, at })
    const refused = place(compiled, at)
    return () => refused
  }
  // Some take megabytes: they are kept where their number is bounded, and expressions are not.
  let held = new WeakRef(compiled)
  return (text, frame) => {
    let pattern = held.deref()
    if (pattern === undefined) {
      const again = preparedAgain(source, frame)
      if (again instanceof Failure) return spent
      held = new WeakRef(again)
      pattern = again
    }
    return matchesPattern(text, pattern, frame, 0) ?? spent
  }
}
