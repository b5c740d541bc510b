import type { Call, Era } from '../../../src/protocol/call.js'

import { sameValue } from './same-value.js'

/** What a server is about to act on. */
export interface Dispatched {
  readonly method: string
  readonly params: unknown
  /** Undefined where the server does not tell eras apart. */
  readonly era?: Era
}

/** The members of params by which a server acts; SDKs drop or add others on their way. */
const compared = ['name', 'arguments', 'uri', 'taskId', 'ref', 'argument', 'cursor', 'level', 'notifications']

/** What a server does other than what we judged, or undefined. */
export function compareReading(call: Call, { method, params, era }: Dispatched): string | undefined {
  if (call.method !== method) return `we read the method ${quote(call.method)}, it runs ${quote(method)}`
  if (era !== undefined && era !== call.era) return `we read the era ${call.era}, it runs ${era}`
  const theirs =
    typeof params === 'object' && params !== null ? new Map<string, unknown>(Object.entries(params)) : undefined
  for (const key of compared) {
    // What the SDK leaves out it does not act on; but arguments that it does not see could be what we denied others for.
    if (theirs?.has(key) !== true && (key !== 'arguments' || call.arguments === undefined)) continue
    if (!sameValue(call.params?.get(key), theirs?.get(key))) return `it reads another params.${key}`
  }
  const { target } = call
  if (target.kind === 'none') return undefined
  const ref = theirs?.get('ref')
  const named =
    method === 'completion/complete' && typeof ref === 'object' && ref !== null ? Object.entries(ref) : theirs
  const field = target.kind === 'resource' ? 'uri' : target.kind === 'task' ? 'taskId' : 'name'
  const name = named === undefined ? undefined : new Map<string, unknown>(named).get(field)
  return name === target.name ? undefined : `we judged ${quote(target.name)}, it takes ${quote(String(name))}`
}

/** The id as servers hold it: what JSON.parse makes of the lexeme. */
export function sameId(call: Call, theirs: unknown): boolean {
  return call.id === undefined ? theirs === undefined : JSON.parse(call.id) === theirs
}

function quote(text: string): string {
  return JSON.stringify(text)
}
