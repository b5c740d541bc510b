import { patternKey } from '../library/patterns.js'
import type { CallExpr } from '../syntax/ast.js'
import { zoneKey, zoneOffset } from '../values/time-zone.js'
import { Failure } from '../values/value.js'
import type { CompileSession } from './compile-session.js'
import { constantOf } from './compiled.js'
import type { Code } from './frame.js'

/** Functions with a pattern, beside `matches` (compile-pattern.ts), and which of their operands after a target it is. */
const patternAt: ReadonlyMap<string, number> = new Map([
  ['find', 0],
  ['findAll', 0],
  ['regex.extract', 1],
  ['regex.extractAll', 1],
  ['regex.replace', 1],
])

/** Methods of timestamps that take a time zone. */
const zoned: ReadonlySet<string> = new Set([
  ...['getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getHours'],
  ...['getMilliseconds', 'getMinutes', 'getMonth', 'getSeconds'],
])

const free = { charge: () => true }

/** Makes at load what a call with constant operands would make when it runs: no evaluation pays for that. */
export function prepareConstants(
  session: CompileSession,
  name: string,
  node: CallExpr,
  operands: readonly Code[],
): void {
  const at = patternAt.get(name)
  const pattern = at === undefined ? undefined : textOf(operands[at])
  if (at !== undefined && pattern !== undefined && session.options.overloads.has(name)) {
    const compiled = session.preparePattern(pattern)
    if (!(compiled instanceof Failure)) session.prepared.add(patternKey(pattern))
    else session.problems.push({ message: compiled.message, at: node.args[at]?.at ?? node.at })
  }
  const zone = zoned.has(name) ? textOf(operands[0]) : undefined
  if (zone !== undefined && zoneOffset(zone, 0, free) !== undefined) session.prepared.add(zoneKey(zone))
}

function textOf(code: Code | undefined): string | undefined {
  const value = code && constantOf(code)?.value
  return typeof value === 'string' ? value : undefined
}
