import type { Call } from '../protocol/call.js'
import { methodTable } from '../protocol/mcp/method-table.js'

/**
 * The method as policies and records name it: the JSON-RPC method, or `GET`, `DELETE` and `response` for what has none.
 * A call of a `json` server is `json`.
 */
export function methodName(call: Call): string {
  switch (call.kind) {
    case 'stream':
      return 'GET'
    case 'close':
      return 'DELETE'
    case 'response':
      return 'response'
    case 'request':
    case 'notification':
      return call.protocol === 'json' ? 'json' : call.method
  }
}

/**
 * Whether the call touches something that needs to be given: a tool, prompt, resource, task, a whole JSON body, or a
 * method that is there only because the Server's `methods` names it, of which nobody knows what it does.
 */
export function hasTarget(call: Call): boolean {
  if (call.protocol === 'json' || call.target.kind !== 'none' || call.alsoTargets.length > 0) return true
  if (call.kind !== 'request' && call.kind !== 'notification') return false
  const row = methodTable.get(call.method)
  return row === undefined || row.needs === 'enabled'
}

/** Whether calls of a method have a target, as {@link hasTarget}, by the method alone. */
export function mayHaveTarget(method: string): boolean {
  const row = methodTable.get(method)
  return row === undefined ? !bodiless.has(method) : row.target !== undefined || row.needs === 'enabled'
}

/** Whether answers to a method may be about such a thing; of one that nobody knows that is not known either. */
export function mayTouch(method: string, kind: 'tool' | 'prompt' | 'resource'): boolean {
  const row = methodTable.get(method)
  if (row === undefined) return !bodiless.has(method)
  switch (row.target?.kind) {
    case 'ref':
      return kind !== 'tool'
    case 'subscriptions':
      return kind !== 'prompt'
    case 'task':
      // What a tool was asked for comes back as the result of its task.
      return kind === 'tool'
    default:
      return row.target?.kind === kind
  }
}

const bodiless: ReadonlySet<string> = new Set(['GET', 'DELETE', 'response'])
