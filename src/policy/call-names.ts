import type { Call } from '../protocol/call.js'

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

/** Whether the call touches something that needs to be given: a tool, prompt, resource, task, or a whole JSON body. */
export function hasTarget(call: Call): boolean {
  return call.protocol === 'json' || call.target.kind !== 'none' || call.alsoTargets.length > 0
}
