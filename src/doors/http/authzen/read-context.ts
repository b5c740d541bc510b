import { isIP } from 'node:net'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../protocol/json-value.js'
import { writeJson } from '../write-json.js'
import type { Refused } from './refused.js'

export interface Context {
  readonly ok: true
  /** undefined where the gateway does not say. */
  readonly headers: JsonObject | undefined
  /** Lexeme of the id of the caller's message. */
  readonly id: string | undefined
  readonly sourceAddress: string
  readonly workload: string
}

const none: JsonObject = new Map()
const maxHeaders = 64
/** They frame our own message, or say who is asking. */
const reserved: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
  'upgrade',
])

/** What else of the HTTP request the gateway tells, in `context.request`; all else in the context is left alone. */
export function readContext(context: JsonValue | undefined, trusted: boolean): Context | Refused {
  if (context !== undefined && !isJsonObject(context)) return shape('The member context must be an object.')
  const request = context?.get('request') ?? none
  if (!isJsonObject(request)) return shape('context.request must be an object.')
  const headers = request.get('headers')
  if (headers !== undefined && !(isJsonObject(headers) && headers.size <= maxHeaders && [...headers].every(isHeader))) {
    return shape(
      `context.request.headers must be an object of at most ${maxHeaders} strings, with lower-case names, and without ${[...reserved].join(', ')}.`,
    )
  }
  const id = request.get('id')
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'bigint') {
    return shape('context.request.id must be the id of the message: a string or an integer.')
  }
  const sourceAddress = request.get('source_address') ?? ''
  const workload = request.get('workload') ?? ''
  if (typeof sourceAddress !== 'string' || (sourceAddress !== '' && isIP(sourceAddress) === 0)) {
    return shape('context.request.source_address must be an IP address.')
  }
  if (typeof workload !== 'string' || !/^[\x21-\x7e]{0,2048}$/.test(workload)) {
    return shape('context.request.workload must be the URI of a workload.')
  }
  if ((sourceAddress !== '' || workload !== '') && !trusted) {
    const message =
      'The gateway that asks is not one whose word on callers counts (listener trust is none); leave out source_address and workload.'
    return { ok: false, reason: 'identity.gateway_untrusted', message }
  }
  return { ok: true, headers, id: id === undefined ? undefined : writeJson(id), sourceAddress, workload }
}

function isHeader([name, value]: readonly [string, JsonValue]): boolean {
  return typeof value === 'string' && name === name.toLowerCase() && !name.startsWith(':') && !reserved.has(name)
}

function shape(message: string): Refused {
  return { ok: false, reason: undefined, message }
}
