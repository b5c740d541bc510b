import type { CallExpr, Expr } from './syntax/ast.js'
import type { SyntaxIssue } from './syntax/syntax-issue.js'
import { walk } from './syntax/walk.js'
import type { Type } from './types/type.js'
import { zoneOffset } from './values/time-zone.js'

const zoned: ReadonlySet<string> = new Set([
  ...['getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getHours', 'getMinutes'],
  ...['getSeconds', 'getMilliseconds'],
])

/**
 * Rules about the time of day silently mean UTC without a zone, which their authors seldom do: where it is `needed`, it must
 * be said. And a zone must be one.
 */
export function checkTimeZones(expr: Expr, types: ReadonlyMap<number, Type>, needed: boolean): SyntaxIssue | undefined {
  let issue: SyntaxIssue | undefined
  walk(expr, node => {
    if (issue === undefined && node.kind === 'call' && node.target !== undefined && zoned.has(node.name)) {
      issue = checkCall(node, node.target, types, needed)
    }
    return undefined
  })
  return issue
}

function checkCall(
  call: CallExpr,
  target: Expr,
  types: ReadonlyMap<number, Type>,
  needed: boolean,
): SyntaxIssue | undefined {
  const [zone] = call.args
  if (zone === undefined) {
    if (!needed || types.get(target.id)?.kind === 'duration') return undefined
    const hint = `write ${call.name}('UTC') or ${call.name}('Europe/Berlin')`
    return { at: call.at, message: `${call.name}() needs a time zone`, hint }
  }
  if (zone.kind !== 'literal' || zone.literal.type !== 'string') return undefined
  if (zone.literal.value !== '' && zoneOffset(zone.literal.value, 0, unlimited) !== undefined) return undefined
  const hint = "write an IANA name like 'Europe/Berlin', 'UTC', or an offset like '+01:00'"
  return { at: zone.at, message: `"${zone.literal.value}" is not a time zone`, hint }
}

const unlimited = { charge: () => true }
