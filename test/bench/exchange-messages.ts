import { envoy, type google } from '../../gen/wire.js'
import { requestHeaders } from './check-requests.js'

const { ProcessingRequest } = envoy.service.ext_proc.v3

/** What Envoy shows of one exchange over ext_proc, in its order. */
export interface ExchangeMessages {
  readonly requestHeaders: Buffer
  readonly responseHeaders: Buffer
  /** What follows where the body is asked for. */
  readonly body: readonly Buffer[]
}

export interface ExchangeFacts {
  readonly token: string
  /** Of the request. Default: none. */
  readonly session?: string
  /** The session that the server begins. Default: none. */
  readonly begins?: string
  /** What ext_authz said of the request, as it stands in its answer. */
  readonly said: google.protobuf.IStruct | null | undefined
  readonly answer: Buffer
}

/** Bytes that Envoy reads, and so shows, at a time. */
const chunkBytes = 16 * 1024

export function exchangeMessages({ token, session, begins, said, answer }: ExchangeFacts): ExchangeMessages {
  const own = 'envoy.filters.http.ext_proc'
  const shown = ProcessingRequest.encode({
    requestHeaders: { headers: headerMap(requestHeaders(token, 1024, session ?? '')) },
    protocolConfig: {},
    attributes: {
      [own]: {
        fields: { 'source.address': { stringValue: '203.0.113.9:40112' }, 'connection.mtls': { boolValue: false } },
      },
    },
  }).finish()
  const answered = ProcessingRequest.encode({
    responseHeaders: {
      headers: headerMap({
        ':status': '200',
        'content-type': 'application/json',
        'content-length': String(answer.length),
        date: 'Fri, 21 Nov 2025 12:00:00 GMT',
        server: 'envoy',
        ...(begins !== undefined && { 'mcp-session-id': begins }),
      }),
    },
    ...(said && { metadataContext: { filterMetadata: { 'envoy.filters.http.ext_authz': said } } }),
  }).finish()
  const body: Buffer[] = []
  for (let at = 0; at < answer.length; at += chunkBytes) {
    const piece = { body: answer.subarray(at, at + chunkBytes), endOfStream: at + chunkBytes >= answer.length }
    body.push(Buffer.from(ProcessingRequest.encode({ responseBody: piece }).finish()))
  }
  return { requestHeaders: Buffer.from(shown), responseHeaders: Buffer.from(answered), body }
}

function headerMap(headers: Readonly<Record<string, string>>) {
  return { headers: Object.entries(headers).map(([key, value]) => ({ key, rawValue: Buffer.from(value) })) }
}
