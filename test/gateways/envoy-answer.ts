import { envoy as wire } from '../../gen/wire.js'
import { type EnvoyVersion, envoyHeaders } from './envoy.js'
import type { AppliedAnswer, GatewayRequest } from './gateway.js'
import { structToPlain } from './struct-to-plain.js'

type Option = wire.config.core.v3.IHeaderValueOption

/** What Envoy makes of the answer of ext_authz; with status code 0, or with none, the request goes on. */
export function applyCheckResponse(request: GatewayRequest, answer: Uint8Array, version: EnvoyVersion): AppliedAnswer {
  const response = wire.service.auth.v3.CheckResponse.decode(answer)
  const metadata = structToPlain(response.dynamicMetadata)
  if ((response.status?.code ?? 0) !== 0) {
    const denied = response.deniedResponse
    const body = denied?.body ?? ''
    return {
      outcome: {
        to: 'client',
        status: denied?.status?.code || 403,
        headers: replied(denied?.headers ?? [], body),
        body,
      },
      metadata,
    }
  }
  const headers = envoyHeaders(request)
  for (const option of response.okResponse?.headers ?? []) setHeader(headers, option, version)
  // Removed last: a name that is both set and removed is gone.
  for (const name of response.okResponse?.headersToRemove ?? []) {
    if (!name.startsWith(':') && name !== 'host') headers.delete(name.toLowerCase())
  }
  return { outcome: { to: 'server', target: request.target, headers }, metadata }
}

function setHeader(headers: Map<string, string[]>, option: Option, version: EnvoyVersion): void {
  const name = (option.header?.key ?? '').toLowerCase()
  // raw_value is not looked at.
  const value = option.header?.value ?? ''
  const before = headers.get(name)
  switch (actionOf(option, version)) {
    case 'append':
      headers.set(name, [...(before ?? []), value])
      return
    case 'append if there':
      if (before !== undefined) headers.set(name, [[...before, value].join(',')])
      return
    case 'keep':
      if (before === undefined) headers.set(name, [value])
      return
    case 'overwrite if there':
      if (before !== undefined) headers.set(name, [value])
      return
    case 'overwrite':
      headers.set(name, [value])
  }
}

/** Only `append` counts, but for 1.37.0, which went by `append_action` alone, where none means appending (envoy#43310). */
function actionOf({ append, appendAction }: Option, version: EnvoyVersion) {
  if (version !== '1.37.0') return append?.value === true ? 'append if there' : 'overwrite'
  return (['append', 'keep', 'overwrite', 'overwrite if there'] as const)[appendAction ?? 0] ?? 'append'
}

function replied(options: readonly Option[], body: string): (readonly [string, string])[] {
  // Those that ask to be appended are dropped.
  const kept = options.filter(({ append }) => append?.value !== true)
  const headers = kept.map(({ header }) => [(header?.key ?? '').toLowerCase(), header?.value ?? ''] as const)
  if (body === '') return headers.filter(([name]) => name !== 'content-type')
  return headers.some(([name]) => name === 'content-type') ? headers : [...headers, ['content-type', 'text/plain']]
}
