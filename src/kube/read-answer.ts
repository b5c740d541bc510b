import type { IncomingHttpHeaders } from 'node:http2'
import { parseContentType } from '../protocol/content-type.js'
import { isJsonObject, type JsonValue } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { ApiFailure, ApiResponse } from './api-server.js'
import type { ClusterAccess } from './cluster-access.js'

/** Objects of CustomResourceDefinitions nest deeper than messages of MCP do. */
const maxDepth = 256
/** A page of 500 objects of RBAC has about a tenth of it; 16 MiB of `[],` would take the event loop for most of a second. */
const maxMembers = 250_000
const maxMessage = 500
/** Milliseconds; no server means more. */
const longestRetryAfter = 3_600_000

/** Makes a response of a whole answer to a request that was sent with `access`. */
export function readAnswer(
  status: number,
  headers: IncomingHttpHeaders,
  body: Buffer,
  access: ClusterAccess,
): ApiResponse {
  if (status >= 200 && status < 300) return readSuccess(status, headers, body)
  const text = safeMessage(statusMessage(headers, body), secretsOf(access))
  const message = `the API server answered ${status}${text === '' ? '' : `: ${text}`}`
  if (status === 429) {
    const retryAfterMs = readRetryAfter(headers['retry-after'])
    return { ok: false, reason: 'throttled', status, message, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  }
  if (status >= 400 && status < 500) return { ok: false, reason: 'refused', status, message }
  if (status >= 500) {
    const retryAfterMs = readRetryAfter(headers['retry-after'])
    return { ok: false, reason: 'unavailable', status, message, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  }
  // Redirects are not followed: they would carry the credentials elsewhere.
  return {
    ok: false,
    reason: 'malformed',
    status,
    message: `the API server answered ${status}, which is no answer of the API`,
  }
}

function readSuccess(status: number, headers: IncomingHttpHeaders, body: Buffer): ApiResponse {
  const problem = contentProblem(headers)
  if (problem !== undefined) return malformed(status, problem)
  const parsed = parseApiJson(body)
  return parsed.ok ? { ok: true, status, body: parsed.value } : malformed(status, parsed.message)
}

export function malformed(status: number | undefined, problem: string): ApiFailure {
  return { ok: false, reason: 'malformed', status, message: `the answer of the API server cannot be read: ${problem}` }
}

export function unavailable(message: string, status?: number): ApiFailure {
  return { ok: false, reason: 'unavailable', status, message }
}

/** undefined if the body is JSON as it stands. */
export function contentProblem(headers: IncomingHttpHeaders): string | undefined {
  if (headers['content-encoding'] !== undefined) return 'it is encoded, which nobody asked for'
  const type = parseContentType(headers['content-type'] ?? '')
  const charset = type?.parameters.get('charset')?.toLowerCase() ?? 'utf-8'
  const isJson = type?.essence === 'application/json' || type?.essence.endsWith('+json') === true
  return isJson && charset === 'utf-8' ? undefined : 'it is not of type application/json'
}

/** Its size is bounded by whoever read the bytes. */
export function parseApiJson(
  bytes: Buffer,
): { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly message: string } {
  const parsed = parseStrictJson(bytes, { maxBytes: bytes.length, maxDepth, maxMembers, anyKeys: true })
  return parsed.ok ? { ok: true, value: parsed.value } : { ok: false, message: parsed.message }
}

/** Of a `Status` object (meta/v1); "" if there is none. */
function statusMessage(headers: IncomingHttpHeaders, body: Buffer): string {
  if (contentProblem(headers) !== undefined) return ''
  const parsed = parseApiJson(body)
  if (!parsed.ok || !isJsonObject(parsed.value) || parsed.value.get('kind') !== 'Status') return ''
  const message = parsed.value.get('message')
  return typeof message === 'string' ? message : ''
}

/** Cut to 500 characters, free of control characters and of anything that looks like a token. */
export function safeMessage(message: string, secrets: readonly string[]): string {
  let text = message.slice(0, 4 * maxMessage)
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '[credential]')
  text = text.replace(/eyJ[\w.-]{17,}/g, '[token]').replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ')
  return text.length > maxMessage ? `${text.slice(0, maxMessage - 1)}…` : text
}

/** Seconds (RFC 9110, section 10.2.3; the API server sends no dates) as milliseconds, at most an hour. */
export function readRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined || !/^[0-9]{1,20}$/.test(value)) return undefined
  return Math.min(longestRetryAfter, Number(value) * 1000)
}

/** What must not appear in a message: the value of `authorization`, without the scheme. */
function secretsOf(access: ClusterAccess): readonly string[] {
  const { authorization = '' } = access.headers
  return [authorization.slice(authorization.indexOf(' ') + 1)]
}
