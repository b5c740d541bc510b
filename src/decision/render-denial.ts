import { challenge } from '../identity/challenge.js'
import { protectedResourceMetadataPath } from '../identity/protected-resource-metadata.js'
import { type DenialMode, type Server, strictestDenial } from '../policy/server.js'
import type { Answer, Failure, HeaderValue } from './decision.js'
import type { ReasonCode } from './reason-codes.js'
import { safeText } from './safe-text.js'
import type { Trial } from './trial.js'

/** How an HTTP-level failure must be answered; what a parser says about status and code wins over the defaults here. */
export interface DenialShape {
  readonly status?: number | undefined
  readonly jsonRpcCode?: number | undefined
  /** Of all failures at this stage, the first decides; the others are told as well. */
  readonly others?: readonly Failure[]
  readonly denials?: readonly DenialMode[]
}

/**
 * Our own JSON-RPC codes lie outside the ranges that JSON-RPC and MCP reserve. Never 401 or 403: a client that takes
 * the code for an HTTP status would start a login (the official MCP Inspector does).
 */
const codes = { denied: -31403, unauthenticated: -31401, unavailable: -31503 } as const

/** Identity failures that a new login cannot mend: 403, so that no client loops through its login page. */
const forbiddenIdentity: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'identity.agent_missing',
  'identity.tenant_conflict',
  'identity.source_conflict',
  'identity.reserved_name',
  'identity.claims',
  'identity.claim_rule',
  'identity.user_rule',
  'identity.gateway_untrusted',
])

/** Renders a denial as what the caller's client can read. */
export function renderDenial(trial: Trial, failure: Failure, shape: DenialShape): Answer {
  const denial = { trial, failure, shape, message: messageOf(failure, shape) }
  switch (failure.stage) {
    case 'message':
      // What arguments a tool takes is told to nobody from whom its existence is hidden.
      if (failure.reason === 'message.argument' && trial.server?.denial === 'hide') return byMode(denial)
      return jsonRpcError(denial, shape.status ?? 400, shape.jsonRpcCode ?? -32600)
    case 'framing':
    case 'session':
      return jsonRpcError(denial, shape.status ?? 400, shape.jsonRpcCode ?? -32600)
    case 'server':
      return jsonRpcError(denial, shape.status ?? 403, codes.denied)
    case 'identity':
      return forbiddenIdentity.has(failure.reason) ? byMode(denial) : unauthenticated(denial)
    case 'dependency':
    case 'internal':
      return jsonRpcError(denial, 503, codes.unavailable, [{ name: 'retry-after', value: '1' }])
    case 'method':
      return byMethod(denial)
    case 'authorization':
      return failure.reason === 'authorization.scope' ? insufficientScope(denial) : byMode(denial)
    case 'policy':
    case 'guardrail':
      return byMode(denial)
  }
}

interface Denial {
  readonly trial: Trial
  readonly failure: Failure
  readonly shape: DenialShape
  readonly message: string
}

/** Where the metadata of a Server stands: at the origin that its clients use. */
function metadataUrl({ origin, path }: Server): string {
  return `${origin}${protectedResourceMetadataPath(path)}`
}

/** Most failures that one denial tells of; more help nobody, and an answer has its limits. The record has all. */
const maxTold = 8

function told(failure: Failure, { others = [] }: DenialShape): readonly Failure[] {
  return [failure, ...others.slice(0, maxTold - 1)]
}

function messageOf(failure: Failure, shape: DenialShape): string {
  return safeText(
    told(failure, shape)
      .map(one => one.message)
      .join('; '),
  )
}

function unauthenticated(denial: Denial): Answer {
  const { trial, failure } = denial
  const { server } = trial
  const header = server && {
    name: 'www-authenticate',
    value: challenge({
      ...(failure.reason !== 'identity.token_missing' && {
        error: 'invalid_token' as const,
        description: safeText(failure.message),
      }),
      resourceMetadata: metadataUrl(server),
    }),
  }
  return jsonRpcError(denial, 401, codes.unauthenticated, header ? [header] : [])
}

function insufficientScope(denial: Denial): Answer {
  const { server, missingScopes, principal } = denial.trial
  // Who came without a token is asked for one, not for more of it.
  const anonymous = principal?.kind === 'anonymous'
  const header = server && {
    name: 'www-authenticate',
    value: challenge({
      ...(!anonymous && { error: 'insufficient_scope' as const }),
      scope: missingScopes ?? [],
      resourceMetadata: metadataUrl(server),
    }),
  }
  const [status, code] = anonymous ? [401, codes.unauthenticated] : [403, codes.denied]
  return jsonRpcError(denial, status, code, header ? [header] : [])
}

/** Unknown methods are told as such in every era's own way, so that clients fall back as their specification says. */
function byMethod(denial: Denial): Answer {
  const { era, knownId } = denial.trial
  if (knownId === undefined) return jsonRpcError(denial, 403, -32601)
  return jsonRpcError(denial, denial.shape.status ?? (era === 'modern' ? 404 : 200), -32601)
}

function byMode(denial: Denial): Answer {
  const { trial, shape } = denial
  const { call, server } = trial
  // Only a request has somewhere to put an answer: everything else needs an HTTP status. A refused GET stream is 405,
  // which clients take for "this server offers none" and go on.
  if (call === undefined || call.kind !== 'request' || call.id === undefined) {
    return jsonRpcError(denial, call?.kind === 'stream' ? 405 : 403, codes.denied)
  }
  const mode = strictestDenial([server?.denial ?? 'toolError', ...(shape.denials ?? [])])
  switch (mode) {
    case 'toolError':
      return call.method === 'tools/call' ? toolError(denial) : jsonRpcError(denial, 200, codes.denied)
    case 'jsonrpcError':
      return jsonRpcError(denial, 200, codes.denied)
    case 'http403':
      return jsonRpcError(denial, 403, codes.denied)
    case 'hide':
      return hidden(denial)
  }
}

/** A tool result with `isError`: the one answer that every client hands to its model. */
function toolError(denial: Denial): Answer {
  const { trial, failure } = denial
  const result = {
    ...(trial.call?.era === 'modern' && { resultType: 'complete' }),
    content: [{ type: 'text', text: explanation(denial) }],
    isError: true,
    _meta: { 'mcp-authz.dev/decision': { reason: failure.reason, ...policyReason(failure), decisionId: trial.id } },
  }
  return respond(trial, 200, `{"jsonrpc":"2.0","id":${trial.knownId ?? 'null'},"result":${JSON.stringify(result)}}`)
}

function explanation({ trial, failure, shape, message }: Denial): string {
  const hints = told(failure, shape)
    .flatMap(one => one.hints)
    .map(safeText)
  const reason = failure.policyReason === '' ? failure.reason : `${failure.reason}, ${failure.policyReason}`
  const lines = [
    `Denied by policy: ${message}`,
    ...new Set(hints),
    `Reason: ${reason}. Decision: ${trial.id}. The call was not executed.`,
  ]
  return lines.join('\n')
}

/** As if the thing did not exist: the words of the SDK servers for an unknown name, and nothing of ours. */
function hidden({ trial }: Denial): Answer {
  const target = trial.call?.target
  const message =
    target?.kind === 'tool'
      ? `Tool ${target.name} not found`
      : target?.kind === 'prompt'
        ? `Prompt ${target.name} not found`
        : target?.kind === 'resource'
          ? `Resource ${target.name} not found`
          : 'Method not found'
  const code = target === undefined || target.kind === 'none' ? -32601 : -32602
  return {
    kind: 'respond',
    status: 200,
    headers: [{ name: 'content-type', value: 'application/json' }],
    body: `{"jsonrpc":"2.0","id":${trial.knownId ?? 'null'},"error":${JSON.stringify({ code, message })}}`,
  }
}

function jsonRpcError(denial: Denial, status: number, code: number, extra: readonly HeaderValue[] = []): Answer {
  const { trial, failure, message } = denial
  const hints = told(failure, denial.shape)
    .flatMap(one => one.hints)
    .map(safeText)
  const data = {
    reason: failure.reason,
    ...policyReason(failure),
    ...(hints.length > 0 && { hints }),
    decisionId: trial.id,
  }
  const error = JSON.stringify({ code, message, data })
  const id = trial.knownId === undefined ? '' : `"id":${trial.knownId},`
  return respond(trial, status, `{"jsonrpc":"2.0",${id}"error":${error}}`, extra)
}

function policyReason(failure: Failure): { readonly policyReason?: string } {
  return failure.policyReason === '' ? {} : { policyReason: failure.policyReason }
}

function respond(trial: Trial, status: number, body: string, extra: readonly HeaderValue[] = []): Answer {
  return {
    kind: 'respond',
    status,
    headers: [
      { name: 'content-type', value: 'application/json' },
      { name: 'cache-control', value: 'no-store' },
      { name: 'x-mcp-authz-decision-id', value: trial.id },
      ...extra,
    ],
    body,
  }
}
