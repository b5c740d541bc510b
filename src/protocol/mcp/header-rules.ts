import type { Era } from '../call.js'
import type { RequestHeaders } from '../request-headers.js'
import { versionHeader } from './era.js'
import { decodeNameHeader, trimOws } from './name-header.js'

/**
 * The spec reserves the code for this one fault of the modern era. On legacy traffic it would make a client take a legacy
 * server for a modern one.
 */
export const headerMismatchCode = -32020

export interface MirroredMessage {
  readonly era: Era
  readonly kind: 'request' | 'notification' | 'response'
  readonly version: string | undefined
  readonly method: string
  /** The name, uri or task id in the body; undefined when the message names nothing. */
  readonly name: string | undefined
  /** The method is one whose `Mcp-Name` is required. */
  readonly nameRequired: boolean
}

/**
 * What is wrong with the headers that repeat the body, or undefined. Authorization goes by the body; these headers are
 * what routers and loggers on the way go by, so that they must not tell another story. Modern requests need them
 * (specification 2026-07-28, basic/transports/streamable-http). For notifications, and for legacy messages, whose servers
 * ignore them, they may be absent.
 */
export function headerMismatch(message: MirroredMessage, headers: RequestHeaders): string | undefined {
  const required = message.era === 'modern' && message.kind === 'request'
  if (message.era === 'modern') {
    const version = versionHeader(headers)
    if (version === undefined ? required : version !== message.version)
      return 'The header MCP-Protocol-Version must be present and equal the version in params._meta.'
  }
  const method = headers.all('mcp-method')
  if (method.length === 0 ? required : !method.every(value => trimOws(value) === message.method)) {
    return 'The header Mcp-Method must be present and equal the method of the body.'
  }
  const name = headers.all('mcp-name')
  if (name.length === 0) {
    return required && message.nameRequired
      ? 'The header Mcp-Name must be present and equal the name in the body.'
      : undefined
  }
  const same = message.name !== undefined && name.every(value => decodeNameHeader(value) === message.name)
  return same
    ? undefined
    : 'The header Mcp-Name must equal the name in the body; leave it out if the body names nothing.'
}
