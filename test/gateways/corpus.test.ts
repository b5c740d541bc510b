import { isUtf8 } from 'node:buffer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequestHandler } from '../../src/doors/ext-mcp/request-handler.js'
import { caseRequest, serverOf } from '../hostile/support/case-request.js'
import { type LoadedCase, loadCorpus } from '../hostile/support/load-corpus.js'
import { type CorpusCheck, startCorpusCheck } from '../hostile/support/start-corpus-check.js'
import { agentgateway, kubernetes, standalone } from './agentgateway.js'
import { applyMcpResult, mcpRequestOf, type ShownMcpRequest } from './agentgateway-mcp.js'
import { envoyGateway, wholeBody } from './envoy.js'
import type { AskingGateway } from './gateway.js'

let behindEnvoy: CorpusCheck
let behindAgentgateway: CorpusCheck
beforeAll(async () => {
  behindEnvoy = await startCorpusCheck()
  behindAgentgateway = await startCorpusCheck({ profile: 'agentgateway' })
})
afterAll(() => {
  behindEnvoy.stop()
  behindAgentgateway.stop()
})

async function verdict(one: LoadedCase, gateway: AskingGateway, corpus: CorpusCheck): Promise<string> {
  const request = caseRequest(one, corpus.place)
  const check = gateway.check(request)
  if (check === undefined) return 'gateway'
  const { outcome, metadata } = gateway.apply(request, await corpus.check(check))
  return outcome.to === 'server' ? 'allow' : String(metadata.reason)
}

const cases = loadCorpus().filter(one => one.request !== undefined)

/** Apart they are refused, which ext_authz is not shown here. */
const apart = new Set(['param-header-undeclared-twice'])
/** The gateway keeps integers that its imitation here cannot. */
const inexact = new Set(['smallest-int64', 'largest-uint64'])
const unshown = new Set(['subscriptions/listen'])

async function askMcp({ bytes }: ShownMcpRequest): Promise<Uint8Array> {
  const handler = createRequestHandler({
    decide: behindAgentgateway.decide,
    listener: { name: 'mcp', door: 'ext-mcp', profile: 'agentgateway', trust: 'none' },
    onError: () => undefined,
  })
  return handler(bytes, { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined })
}

/**
 * agentgateway joins repeats with ", " and has no other form, so that some are refused for another reason, and two, whose
 * values may hold commas, cannot be told from one.
 */
const joined: ReadonlyMap<string, string> = new Map([
  ['content-type-twice', 'framing.content_type'],
  ['content-type-twice-the-same', 'framing.content_type'],
  ['modern-with-two-names', 'message.header_mismatch'],
  ['get-with-two-last-event-ids', 'allow'],
  ['param-header-undeclared-twice', 'allow'],
])

/** As text, invalid bytes become U+FFFD, and what holds one may be another body. */
function survivesAsText(body: Buffer | undefined): boolean {
  return body === undefined || (isUtf8(body) && !body.includes('\ufffd'))
}

const limit = { max: 8 * 1024 * 1024 }
const forms = [
  ['standalone', { ...standalone.body, ...limit }],
  ['kubernetes', { ...kubernetes.body, ...limit }],
] as const

describe.each(forms)('the same decision behind Envoy and behind agentgateway, %s', (_form, body) => {
  it.each(cases.map(one => [`${one.file} ${one.name}`, one] as const))('%s', async (_name, one) => {
    const context = { 'mcp-server': serverOf(one) }
    const envoy = await verdict(one, envoyGateway({ context, body: { ...wholeBody, ...limit } }), behindEnvoy)
    const ours = await verdict(one, agentgateway({ body, context }), behindAgentgateway)
    const unsure = !body.asBytes && !survivesAsText(caseRequest(one, behindEnvoy.place).body)
    if (unsure && ours === 'framing.body_incomplete') return
    expect(ours).toBe(joined.get(one.name) ?? envoy)
    expect(unsure && ours === 'allow').toBe(false)
  })
})

describe('the same decision over ext_authz and over ExtMcp', () => {
  it.each(cases.map(one => [`${one.file} ${one.name}`, one] as const))('%s', async (_name, one) => {
    const place = behindAgentgateway.place
    const request = caseRequest(one, place)
    const message = mcpRequestOf(request, { metadata: { 'mcp-server': serverOf(one) }, targets: ['one'] })
    // The gateway refuses it by itself, or has no hook for it.
    if (message === undefined || inexact.has(one.name) || apart.has(one.name)) return
    const context = { 'mcp-server': serverOf(one) }
    const overHttp = await verdict(
      one,
      agentgateway({ body: { ...standalone.body, ...limit }, context }),
      behindAgentgateway,
    )
    const overMcp = applyMcpResult(await askMcp(message))
    // What is wrong with the form of a message is gone when the gateway has written it anew.
    if (/^(?:framing|message|session)\./.test(overHttp)) return
    const result = overMcp.passed ? 'allow' : overMcp.reason
    // The gateway shows no params of it, so that nothing can be judged.
    if (result === 'message.params' && unshown.has(message.method)) return
    expect(result).toBe(overHttp)
  })
})
