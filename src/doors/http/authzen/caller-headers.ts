import { isJsonObject, type JsonObject } from '../../../protocol/json-value.js'
import { versionKey } from '../../../protocol/mcp/era.js'
import { decodeNameHeader } from '../../../protocol/mcp/name-header.js'
import { RequestHeaders } from '../../../protocol/request-headers.js'
import type { AskedCall } from './read-call.js'
import type { Subject } from './read-subject.js'

/**
 * The headers of the caller's request. Where the gateway gives them, they are all that there were, and are compared with
 * the body as in any other request; else those that only repeat the body are put in (`Mcp-Method` and so on).
 */
export function callerHeaders(
  { authorization }: Subject,
  { method, params, nameHeader }: AskedCall,
  given: JsonObject | undefined,
): RequestHeaders {
  const headers: (readonly [string, string])[] = [['content-type', 'application/json']]
  if (authorization !== undefined) headers.push(['authorization', authorization])
  if (given !== undefined) {
    for (const [name, value] of given) if (typeof value === 'string') headers.push([name, value])
    return RequestHeaders.from(headers)
  }
  headers.push(['accept', 'application/json, text/event-stream'])
  const meta = params.get('_meta')
  const version = isJsonObject(meta) ? meta.get(versionKey) : undefined
  if (typeof version !== 'string') return RequestHeaders.from(headers)
  headers.push(['mcp-protocol-version', version], ['mcp-method', method])
  if (nameHeader !== undefined) headers.push(['mcp-name', encodeName(nameHeader)])
  return RequestHeaders.from(headers)
}

function encodeName(name: string): string {
  return decodeNameHeader(name) === name ? name : `=?base64?${Buffer.from(name).toString('base64')}?=`
}
