import type { Call } from '../protocol/call.js'
import { parameterMismatch } from '../protocol/mcp/parameter-headers.js'
import type { RequestHeaders } from '../protocol/request-headers.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'

/** Only modern calls have these headers; from legacy ones they are removed. They mirror what is sent to the outer tool. */
export function checkParameterHeaders(
  headers: RequestHeaders,
  call: Call,
  tool: CatalogTool | undefined,
): Failure | undefined {
  if (call.era !== 'modern' || call.method !== 'tools/call') return undefined
  const declared = call.via === undefined ? (tool?.inputSchema?.headers ?? none) : none
  const mismatch = parameterMismatch(declared, call.arguments, headers)
  return mismatch === undefined ? undefined : failure('message.header_mismatch', mismatch)
}

const none = [] as const
