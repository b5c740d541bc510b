import { isUtf8 } from 'node:buffer'
import { envoy } from '../../../gen/wire.js'
import type { HostileCase } from '../case.js'
import { type CasePlace, caseRequest, serverOf } from './case-request.js'

/** The ways in which Envoy can be told to describe a request: `encode_raw_headers` and `pack_as_bytes`. */
export interface CheckForm {
  readonly headers: 'raw' | 'joined'
  readonly body: 'bytes' | 'text'
}

export const checkForms: readonly CheckForm[] = [
  { headers: 'raw', body: 'bytes' },
  { headers: 'raw', body: 'text' },
  { headers: 'joined', body: 'bytes' },
  { headers: 'joined', body: 'text' },
]

const partialHeader = 'x-envoy-auth-partial-body'

/**
 * The CheckRequest for a case as Envoy's filter writes it when the request comes to it as it is written, on a route whose
 * context extension names the Server. Only what the filter itself does is done here: names in lower case, its own
 * header in place of a client's copy, and bytes that are not UTF-8 as "!" where the form is text.
 */
export function checkRequest(one: HostileCase, place: CasePlace, form: CheckForm): Buffer {
  const { method, authority, target, headers: own, body } = caseRequest(one, place)
  const headers: [name: string, value: string][] = [
    [':method', method],
    [':path', target],
    [':authority', authority],
    [':scheme', 'https'],
  ]
  for (const [name, value] of own) if (name.toLowerCase() !== partialHeader) headers.push([name.toLowerCase(), value])
  const says = (name: string): boolean => headers.some(([known]) => known === name)
  if (body !== undefined && !says('content-length') && !says('transfer-encoding')) {
    headers.push(['content-length', String(body.length)])
  }
  if (body !== undefined && body.length > 0) headers.push([partialHeader, 'false'])
  return Buffer.from(
    envoy.service.auth.v3.CheckRequest.encode({
      attributes: {
        contextExtensions: { 'mcp-server': serverOf(one) },
        source: { address: { socketAddress: { address: '203.0.113.9', portValue: 40000 } } },
        request: {
          http: {
            ...{ method, scheme: 'https', protocol: 'HTTP/1.1' },
            ...{ path: sanitized(Buffer.from(target, 'latin1')), host: sanitized(Buffer.from(authority, 'latin1')) },
            ...(form.headers === 'raw' ? { headerMap: rawHeaders(headers) } : { headers: joinedHeaders(headers) }),
            ...(body === undefined || body.length === 0 ? {} : { size: body.length }),
            ...(body === undefined ? {} : form.body === 'bytes' ? { rawBody: body } : { body: sanitized(body) }),
          },
        },
      },
    }).finish(),
  )
}

/** Whether the text form shows this body as it is. Where it does not, nothing is known of it. */
export function survivesAsText(body: Buffer | undefined): boolean {
  return body === undefined || (isUtf8(body) && !body.includes('!'))
}

function rawHeaders(headers: readonly (readonly [string, string])[]) {
  return { headers: headers.map(([key, value]) => ({ key, rawValue: Buffer.from(value, 'latin1') })) }
}

function joinedHeaders(headers: readonly (readonly [string, string])[]): Record<string, string> {
  const joined = new Map<string, string>()
  for (const [name, value] of headers) {
    const before = joined.get(name)
    const text = sanitized(Buffer.from(value, 'latin1'))
    joined.set(name, before === undefined ? text : `${before},${text}`)
  }
  return Object.fromEntries(joined)
}

/** Valid UTF-8 as it is, every byte of anything else as "!". */
function sanitized(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find(count => at + count <= bytes.length && isUtf8(bytes.subarray(at, at + count)))
    text += length === undefined ? '!' : bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return text
}
