import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReasonCode } from '../../../src/decision/reason-codes.js'
import { createCheckHandler } from '../../../src/doors/ext-authz/check-handler.js'
import { createRequestHandler } from '../../../src/doors/ext-mcp/request-handler.js'
import type { ListenerTrust } from '../../../src/protocol/inbound-request.js'
import { agentgateway, standalone } from '../agentgateway.js'
import { applyMcpResult, mcpRequestOf } from '../agentgateway-mcp.js'
import { envoyGateway } from '../envoy.js'
import { ExtProcExchange, extProcAlone } from '../ext-proc.js'
import type { AskingGateway, GatewayRequest } from '../gateway.js'
import { judgeHandler, ownNamespace } from './alone-way.js'
import { call } from './messages.js'
import { requestOf } from './request-of.js'
import { startTable, type TableStand } from './stand.js'
import { listener } from './ways.js'

let stand: TableStand
beforeAll(async () => {
  stand = await startTable()
})
afterAll(() => stand.stop())

type Claims = Readonly<Record<string, unknown>> | undefined
type Tell = (request: GatewayRequest, claims: Claims, trust: ListenerTrust) => Promise<string>

const context = { 'mcp-server': 'told' }
const connection = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
const namespace = 'envoy.filters.http.jwt_authn'
const header = { alg: 'ES256', kid: 'k', typ: 'at+jwt' }
/** As jwt_authn tells it: claims and header under names of the operator's. */
const byEnvoy = (claims: Claims) => (claims === undefined ? {} : { [namespace]: { claims, header } })

function told({ decision, reason }: Readonly<Record<string, unknown>>): string {
  return decision === 'allow' ? 'allow' : String(reason)
}

const overExtAuthz = (profile: 'envoy' | 'agentgateway', gatewayOf: (claims: Claims) => AskingGateway): Tell => {
  return async (request, claims, trust) => {
    const { decide } = stand
    const check = createCheckHandler({
      decide,
      listener: listener('ext-authz', profile, trust),
      onError: () => undefined,
    })
    const gateway = gatewayOf(claims)
    const bytes = gateway.check(request)
    if (bytes === undefined) throw new Error('413')
    return told(gateway.apply(request, await check(bytes, connection)).metadata)
  }
}

const ways: readonly (readonly [string, Tell])[] = [
  ['Envoy', overExtAuthz('envoy', claims => envoyGateway({ context, metadata: () => byEnvoy(claims) }))],
  [
    'agentgateway',
    overExtAuthz('agentgateway', claims =>
      agentgateway({ ...standalone, context, ...(claims === undefined ? { metadata: {} } : { claims }) }),
    ),
  ],
  [
    'ext_proc alone',
    async (request, claims, trust) => {
      const settings = { ...extProcAlone('told'), forwards: [namespace] }
      const exchange = new ExtProcExchange(judgeHandler(stand, false, trust), settings)
      await exchange.request(request, byEnvoy(claims))
      exchange.close()
      return told(Object(exchange.told[ownNamespace]))
    },
  ],
  [
    'ExtMcp',
    async (request, claims, trust) => {
      const { decide } = stand
      const ours = listener('ext-mcp', 'agentgateway', trust)
      const handler = createRequestHandler({ decide, listener: ours, onError: () => undefined })
      const shown = mcpRequestOf(request, { targets: ['t'], jwt: true, metadata: { ...context, jwt: claims ?? {} } })
      if (shown === undefined) throw new Error('the gateway does not ask')
      const result = applyMcpResult(await handler(shown.bytes, connection))
      return result.passed ? 'allow' : result.reason
    },
  ],
]

const alice = {
  iss: 'https://idp.example.com',
  aud: 'mcp',
  sub: 'alice',
  preferred_username: 'alice',
  groups: ['staff'],
}
const fresh = { ...alice, exp: 4_000_000_000 }
const cases: readonly (readonly [string, Claims, 'allow' | ReasonCode, ListenerTrust?])[] = [
  ['a person', fresh, 'allow'],
  ['a person without a grant', { ...fresh, groups: ['others'] }, 'authorization.grant'],
  ['nobody', undefined, 'identity.token_missing'],
  ['another audience', { ...fresh, aud: 'others' }, 'identity.audience'],
  ['another issuer', { ...fresh, iss: 'https://other.example.com' }, 'identity.issuer_unknown'],
  ['an old token', { ...fresh, exp: 1 }, 'identity.expired'],
  ['an ID token', { ...fresh, at_hash: 'h' }, 'identity.token_type'],
  ['a reserved name', { ...fresh, preferred_username: 'system:admin' }, 'identity.reserved_name'],
  ['a listener that does not trust its gateway', fresh, 'identity.gateway_untrusted', 'none'],
]

/** The gateway has verified the token and taken it away: what it tells is judged alike, whoever it is. */
describe.each(ways)('claims that a gateway tells, %s', (_name, tell) => {
  it.each(cases.map(one => [one[0], one] as const))('%s', async (_case, [, claims, expected, trust = 'network']) => {
    const sent = { name: '', who: 'nobody', server: 'told', body: call('echo'), expected: 'allow' } as const
    const { request } = await requestOf(sent, stand)
    expect(await tell(request, claims, trust)).toBe(expected)
  })
})
