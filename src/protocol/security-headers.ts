import { commonHeaderNames } from './common-header-names.js'
import type { RequestHeaders } from './request-headers.js'

/**
 * Headers that we or the server behind us act on. A second value, or one joined by a comma, is read differently by
 * different servers (CVE-2021-32777), so there may be one only. `commas` says that the value may hold one by its grammar.
 */
const single: ReadonlyMap<string, 'commas' | 'no commas'> = new Map([
  ['authorization', 'no commas'],
  ['proxy-authorization', 'no commas'],
  ['dpop', 'no commas'],
  ['host', 'no commas'],
  ['origin', 'no commas'],
  ['content-type', 'commas'],
  ['content-length', 'no commas'],
  ['content-encoding', 'no commas'],
  ['transfer-encoding', 'no commas'],
  ['upgrade', 'no commas'],
  ['mcp-session-id', 'no commas'],
  ['mcp-protocol-version', 'no commas'],
  ['mcp-method', 'no commas'],
  ['mcp-name', 'commas'],
  ['last-event-id', 'commas'],
  ['access-control-request-method', 'no commas'],
  ['x-envoy-auth-partial-body', 'no commas'],
])

/** Servers with such a middleware would execute another method than the one we judge. */
const methodOverrides: ReadonlySet<string> = new Set(['x-http-method-override', 'x-http-method', 'x-method-override'])
const headerName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const visibleOrBlank = /^[\t\x20-\x7e]*$/

const plainName = /^[a-z0-9-]*$/

/**
 * A name as servers may see it that hand headers on as environment variables (RFC 3875, section 4.1.18): there "_", and
 * with some every other mark, is the same as "-".
 */
export function dashedName(name: string): string {
  return plainName.test(name) ? name : name.replaceAll(/[^a-z0-9-]/g, '-')
}

export type HeaderFailure = {
  readonly reason: 'framing.header_repeated' | 'framing.header_invalid'
  readonly message: string
}

/** The first header that two servers could read differently, or undefined. Messages name only headers of our own table. */
export function checkSecurityHeaders(headers: RequestHeaders): HeaderFailure | undefined {
  for (const name of headers.names()) {
    const rule = rules.get(name)
    if (rule === 'harmless') continue
    const failure = rule === undefined ? checkName(name) : checkSingle(name, rule, headers)
    if (failure !== undefined) return failure
  }
  return undefined
}

function checkSingle(name: string, rule: 'commas' | 'no commas', headers: RequestHeaders): HeaderFailure | undefined {
  const value = headers.one(name)
  if (value === undefined || (rule === 'no commas' && value.includes(','))) {
    return { reason: 'framing.header_repeated', message: `The header ${name} must have exactly one value.` }
  }
  if (!isVisible(value)) {
    return {
      reason: 'framing.header_invalid',
      message: `The header ${name} holds a character that is not visible ASCII.`,
    }
  }
  if (name === 'content-length' && !/^(?:0|[1-9][0-9]{0,14})$/.test(value)) {
    return { reason: 'framing.header_invalid', message: 'The content-length must be a decimal number.' }
  }
  return undefined
}

/** Characters; up to here a loop costs less than to ask a regular expression. */
const longestByHand = 40

function isVisible(value: string): boolean {
  const { length } = value
  if (length > longestByHand) return visibleOrBlank.test(value)
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i)
    if ((code < 0x20 && code !== 0x09) || code > 0x7e) return false
  }
  return true
}

function checkName(name: string): HeaderFailure | undefined {
  if (!headerName.test(name)) {
    return { reason: 'framing.header_invalid', message: 'A header has a name that is not valid in lower case.' }
  }
  const dashed = dashedName(name)
  if (methodOverrides.has(dashed)) {
    return { reason: 'framing.header_invalid', message: 'Headers that override the HTTP method are not accepted.' }
  }
  if (dashed !== name && single.has(dashed)) {
    return { reason: 'framing.header_invalid', message: `A header looks like ${dashed}; spell it with "-".` }
  }
  return undefined
}

/** Of harmless names nothing has to be found out with every request, and their values may be what they like. */
const rules: ReadonlyMap<string, 'commas' | 'no commas' | 'harmless'> = new Map([
  ...single,
  ...commonHeaderNames
    .filter(name => !single.has(name) && checkName(name) === undefined)
    .map(name => [name, 'harmless'] as const),
])
