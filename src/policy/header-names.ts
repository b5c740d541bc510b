import * as z from 'zod'

export const headerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a header name is lower-case letters, digits and "-"')

/** Enrichments may set names that begin so wherever they match; all others only where a Server lets them. */
export const ownPrefix = 'x-mcp-authz-'

/**
 * How many headers Enrichments may set for one Server, of the 24 that an answer to the gateway has room for, and how
 * many names of ours they may have in all: every one of them is removed from the requests that do not get it.
 */
export const headerRoom = { perServer: 12, names: 64 } as const

/** Headers of our own that carry who asks; nobody else speaks for them. */
const reserved: ReadonlySet<string> = new Set([
  'x-mcp-authz-user',
  'x-mcp-authz-groups',
  'x-mcp-authz-groups-omitted',
  'x-mcp-authz-agent',
  'x-mcp-authz-tenant',
  'x-mcp-authz-chain',
  'x-mcp-authz-decision-id',
  'x-mcp-authz-policy-revision',
  'x-mcp-authz-context',
])

/**
 * What frames a message, carries credentials, steers the protocol or the gateway, or ties a trace together. Such a
 * header would have to be removed from every request that does not get it, which breaks the request.
 */
const forbidden: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'accept',
  'authorization',
  'kubernetes-authorization',
  'cookie',
  'traceparent',
  'tracestate',
])
const forbiddenPrefixes = ['proxy-', 'mcp-', 'x-envoy-', 'x-forwarded-', 'impersonate-']

export interface HeaderNameProblem {
  readonly message: string
  readonly hint: string
}

/** Why policies may not have a header set; undefined when they may. */
export function headerNameProblem(name: string): HeaderNameProblem | undefined {
  if (reserved.has(name))
    return {
      message: `${name} says who asks and is set by mcp-authz itself`,
      hint: 'choose another x-mcp-authz-* name',
    }
  if (forbidden.has(name) || forbiddenPrefixes.some(prefix => name.startsWith(prefix)))
    return { message: `${name} cannot be set`, hint: 'use a name that begins with x-mcp-authz-' }
  return undefined
}
