import { matchesPattern } from '../library/matches-pattern.js'
import { compilePattern } from '../library/patterns.js'
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
  const pattern = compilePattern(constant.value)
  if (pattern instanceof Failure) {
    session.problems.push({ message: pattern.message, at })
    const refused = place(pattern, at)
    return () => refused
  }
  return (text, frame) => matchesPattern(text, pattern, frame, 0) ?? spent
}
