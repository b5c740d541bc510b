import { createExchangeReview } from '../../../src/decision/review-exchange.js'
import { createCheckHandler } from '../../../src/doors/ext-authz/check-handler.js'
import { createRequestHandler } from '../../../src/doors/ext-mcp/request-handler.js'
import { createProcessHandler } from '../../../src/doors/ext-proc/process-handler.js'
import { ReviewProcessor } from '../../../src/doors/ext-proc/review-processor.js'
import type { BidiStreamHandler } from '../../../src/doors/grpc/grpc-transport.js'
import type { GatewayProfile, InboundRequest, ListenerTrust } from '../../../src/protocol/inbound-request.js'
import { applyMcpResult, mcpRequestOf } from '../agentgateway-mcp.js'
import { besideExtAuthz, ExtProcExchange } from '../ext-proc.js'
import { type GatewayRequest, headerMap } from '../gateway.js'
import { type Profile, profiles } from '../profiles.js'
import type { GatewayCase, Trait } from './case.js'
import { requestOf, serverOf } from './request-of.js'
import type { TableStand } from './stand.js'
import { refusedByGateway, type Verdict, verdictOf, type Way } from './way.js'

const call = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
const broken = (detail: string, error?: unknown) => {
  if (error !== undefined) throw new Error(detail, { cause: error })
}

export function listener(
  door: string,
  profile: GatewayProfile,
  trust: ListenerTrust = 'none',
): InboundRequest['listener'] {
  return { name: door, door, profile, trust }
}

/** ext_authz behind each gateway. */
export function extAuthzWays(stand: TableStand): readonly Way[] {
  return profiles.map(profile => {
    const ask = extAuthz(stand, profile)
    return {
      name: `ext_authz, ${profile.name}`,
      traits: traitsOf(profile),
      ask: async one => ask(one, (await requestOf(one, stand)).request),
    }
  })
}

export type AskExtAuthz = (one: GatewayCase, request: GatewayRequest) => Promise<Verdict>

export function extAuthz({ decide }: TableStand, profile: Profile): AskExtAuthz {
  const check = createCheckHandler({ decide, listener: listener('ext-authz', profile.listener), onError: broken })
  return async (one, request) => {
    const gateway = profile.setting({ server: serverOf(one), ...(one.max !== undefined && { max: one.max }) })
    const bytes = gateway.check(request)
    if (bytes === undefined) return refusedByGateway
    const { outcome, metadata } = gateway.apply(request, await check(bytes, call))
    if (outcome.to === 'server') return verdictOf(metadata, outcome.headers)
    const { status, body } = outcome
    return verdictOf(metadata, undefined, { status, headers: grouped(outcome.headers), body })
  }
}

/** Values by name. */
export function grouped(headers: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>()
  for (const [name, value] of headers) map.set(name, [...(map.get(name) ?? []), value])
  return map
}

export function traitsOf({ text, joined, cuts, listener: kind }: Profile): ReadonlySet<Trait> {
  const traits: readonly (readonly [Trait, boolean])[] = [
    ['text', text],
    ['joined', joined],
    ['cuts', cuts],
    ['agentgateway', kind === 'agentgateway'],
  ]
  return new Set(traits.filter(([, has]) => has).map(([trait]) => trait))
}

export function reviewHandler({ snapshot, sessions }: TableStand, binds: boolean): BidiStreamHandler {
  const review = createExchangeReview({ snapshot: () => snapshot, ...(binds && { sessions }) })
  return createProcessHandler({
    createProcessor: () => new ReviewProcessor(review),
    listener: listener('ext-proc', 'envoy'),
    onError: broken,
  })
}

export function envoy140(): Profile {
  const found = profiles.find(({ name }) => name === 'envoy 1.40')
  if (found === undefined) throw new Error('there is no Envoy 1.40')
  return found
}

/** ext_proc before ext_authz in one Envoy: the second is asked about what the first has made of the request. */
export function besideWay(stand: TableStand): Way {
  const ask = extAuthz(stand, envoy140())
  const handler = reviewHandler(stand, false)
  return {
    name: 'ext_proc beside ext_authz',
    traits: new Set<Trait>(['ext_proc beside ext_authz']),
    async ask(one) {
      const exchange = new ExtProcExchange(handler, besideExtAuthz(serverOf(one)))
      try {
        const passed = await exchange.request((await requestOf(one, stand)).request)
        if (passed.to === 'client') throw new Error(`ext_proc answered by itself: ${passed.details}`)
        return await ask(one, passed.request)
      } finally {
        exchange.close()
      }
    },
  }
}

/** Requests of MCP, as agentgateway shows them once it has read them. */
export function extMcpWay(stand: TableStand): Way {
  const handler = createRequestHandler({
    decide: stand.decide,
    listener: listener('ext-mcp', 'agentgateway'),
    onError: broken,
  })
  return {
    name: 'ExtMcp',
    traits: new Set<Trait>(['ExtMcp', 'agentgateway']),
    async ask(one) {
      const { request } = await requestOf(one, stand)
      if (one.max !== undefined) return undefined
      const shown = mcpRequestOf(request, { targets: ['one'], metadata: { 'mcp-server': serverOf(one) } })
      if (shown === undefined) return undefined
      const result = applyMcpResult(await handler(shown.bytes, call))
      if (!result.passed) return { outcome: 'deny', reason: result.reason, would: [], server: undefined }
      const headers = new Map<string, readonly string[]>()
      for (const [name, values] of headerMap(request)) if (!result.removed.has(name)) headers.set(name, values)
      for (const [name, value] of result.set) headers.set(name, [value])
      return verdictOf(result.metadata, headers)
    },
  }
}
