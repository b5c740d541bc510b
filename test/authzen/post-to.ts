import { type OutgoingHttpHeaders, type RequestOptions, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { BoundAddress } from '../../src/doors/grpc/grpc-transport.js'

export interface Posted {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Sends a request as a gateway would: a POST of JSON unless said otherwise. */
export function postTo(
  address: BoundAddress,
  path: string,
  body: string | Buffer | undefined,
  headers: OutgoingHttpHeaders = {},
  more: RequestOptions & {
    readonly ca?: Buffer
    readonly cert?: Buffer
    readonly key?: Buffer
    servername?: string
  } = {},
): Promise<Posted> {
  const { ca, cert, key, servername } = more
  const place = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port }
  const settings = {
    ...{ method: 'POST', path, agent: false },
    ...place,
    ...more,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
  }
  const secure = ca === undefined ? {} : { ca, cert, key, servername }
  return new Promise((resolve, reject) => {
    const sent = ca === undefined ? request(settings) : secureRequest({ ...settings, ...secure })
    sent.on('error', reject)
    sent.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    sent.end(body)
  })
}
