import { envoy as wire } from '../../gen/wire.js'
import type { AppliedAnswer, AskingGateway, GatewayRequest } from './gateway.js'
import { headerMap } from './gateway.js'
import { structToPlain } from './struct-to-plain.js'

const partialHeader = 'x-envoy-auth-partial-body'

/** Envoy's filter as our configurations set it up: raw headers, bodies as bytes, whole or refused; 1.37 and later. */
export function envoyGateway(context: Readonly<Record<string, string>> = {}, max = 1024 * 1024): AskingGateway {
  return {
    check(request) {
      if ((request.body?.length ?? 0) > max) return undefined
      return checkOf(request, context)
    },
    apply: applyTo,
  }
}

function checkOf(request: GatewayRequest, contextExtensions: Readonly<Record<string, string>>): Buffer {
  const { method, authority, target, body } = request
  const headers = shown(request)
  return Buffer.from(
    wire.service.auth.v3.CheckRequest.encode({
      attributes: {
        source: { address: { socketAddress: { address: '203.0.113.9', portValue: 40000 } } },
        contextExtensions,
        request: {
          http: {
            ...{ method, scheme: 'http', host: authority, path: target },
            headerMap: { headers: headers.map(([key, value]) => ({ key, rawValue: Buffer.from(value, 'latin1') })) },
            ...(body === undefined || body.length === 0 ? {} : { rawBody: body, size: body.length }),
          },
        },
      },
    }).finish(),
  )
}

function shown(request: GatewayRequest): readonly (readonly [string, string])[] {
  const { method, authority, target, body } = request
  const headers: (readonly [string, string])[] = [
    [':method', method],
    [':path', target],
    [':authority', authority],
    [':scheme', 'http'],
  ]
  const kept = headerMap(request)
  kept.delete(partialHeader)
  kept.delete('host')
  if (body !== undefined && !kept.has('content-length') && !kept.has('transfer-encoding')) {
    kept.set('content-length', [String(body.length)])
  }
  if (body !== undefined && body.length > 0) kept.set(partialHeader, ['false'])
  for (const [name, values] of kept) for (const value of values) headers.push([name, value])
  return headers
}

function applyTo(request: GatewayRequest, answer: Uint8Array): AppliedAnswer {
  const response = wire.service.auth.v3.CheckResponse.decode(answer)
  const metadata = structToPlain(response.dynamicMetadata)
  if ((response.status?.code ?? 0) !== 0) {
    const denied = response.deniedResponse
    const headers = (denied?.headers ?? []).map(({ header }) => [header?.key ?? '', header?.value ?? ''] as const)
    return {
      outcome: { to: 'client', status: denied?.status?.code || 403, headers, body: denied?.body ?? '' },
      metadata,
    }
  }
  const headers = headerMap(request)
  headers.delete('host')
  for (const { header, append } of response.okResponse?.headers ?? []) {
    const name = header?.key ?? ''
    const value = header?.value ?? ''
    if (append?.value === false) headers.set(name, [value])
    else headers.set(name, [...(headers.get(name) ?? []), value])
  }
  // Removed last: a name that is both set and removed is gone.
  for (const name of response.okResponse?.headersToRemove ?? []) headers.delete(name)
  return { outcome: { to: 'server', target: request.target, headers }, metadata }
}
