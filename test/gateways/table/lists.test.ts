import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explainCommand } from '../../../src/cli/explain-command.js'
import { createResultReview } from '../../../src/decision/review-result.js'
import { createCheckHandler } from '../../../src/doors/ext-authz/check-handler.js'
import { createResponseHandler } from '../../../src/doors/ext-mcp/response-handler.js'
import type { BidiStreamHandler } from '../../../src/doors/grpc/grpc-transport.js'
import { agentgateway, standalone } from '../agentgateway.js'
import { applyMcpResponse, mcpResponseOf } from '../agentgateway-mcp.js'
import { besideExtAuthz, ExtProcExchange, type ExtProcSettings, extProcAlone } from '../ext-proc.js'
import type { GatewayRequest } from '../gateway.js'
import { judgeHandler } from './alone-way.js'
import { type ListCase, listMember, listResult, lists, namesIn } from './lists.js'
import { ask } from './messages.js'
import { requestOf } from './request-of.js'
import { startTable, type TableStand } from './stand.js'
import { envoy140, listener, reviewHandler } from './ways.js'

let stand: TableStand
beforeAll(async () => {
  stand = await startTable()
})
afterAll(() => stand.stop())

const serverOf = ({ server = 'files' }: ListCase) => server
const call = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
async function asked(one: ListCase): Promise<GatewayRequest> {
  const sent = {
    name: one.name,
    who: one.who,
    server: serverOf(one),
    body: ask(one.method),
    expected: 'allow',
  } as const
  return (await requestOf(sent, stand)).request
}

function answerOf(one: ListCase, form: 'JSON' | 'a stream') {
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, result: listResult(one) })
  const [type, text] =
    form === 'JSON' ? ['application/json', message] : ['text/event-stream', `event: message\ndata: ${message}\n\n`]
  const headers = new Map([
    ['content-type', [type]],
    ['content-length', [String(Buffer.byteLength(text))]],
  ])
  return { status: 200, headers, body: Buffer.from(text) }
}

function shownIn(one: ListCase, body: Buffer): readonly string[] {
  const text = body.toString()
  return namesIn(one, JSON.parse(text.startsWith('event:') ? (text.split('data: ')[1] ?? '') : text).result)
}

/** What a client of Envoy gets, with a decision of ext_authz in the metadata where that stands in the chain. */
async function throughEnvoy(
  one: ListCase,
  form: 'JSON' | 'a stream',
  handler: BidiStreamHandler,
  settings: ExtProcSettings,
  authorize?: (request: GatewayRequest) => Promise<Readonly<Record<string, unknown>>>,
) {
  const exchange = new ExtProcExchange(handler, settings)
  const passed = await exchange.request(await asked(one))
  if (passed.to === 'client') throw new Error(`answered: ${passed.details}`)
  const said = await authorize?.(passed.request)
  const answer = await exchange.response(answerOf(one, form), said && { 'envoy.filters.http.ext_authz': said })
  exchange.close()
  return shownIn(one, answer.body)
}

const forms = ['JSON', 'a stream'] as const
const named = lists.map(one => [one.name, one] as const)

describe.each(forms)('ext_proc beside ext_authz, %s', form => {
  it.each(named)('%s', async (_name, one) => {
    const check = createCheckHandler({
      decide: stand.decide,
      listener: listener('ext-authz', 'envoy'),
      onError: () => undefined,
    })
    const authorize = async (request: GatewayRequest) => {
      const gateway = envoy140().setting({ server: serverOf(one) })
      const bytes = gateway.check(request)
      if (bytes === undefined) throw new Error('413')
      return gateway.apply(request, await check(bytes, call)).metadata
    }
    const settings = besideExtAuthz(serverOf(one))
    expect(await throughEnvoy(one, form, reviewHandler(stand, false), settings, authorize)).toEqual(one.shown)
  })
})

describe.each(forms)('ext_proc alone, %s', form => {
  it.each(named)('%s', async (_name, one) => {
    const settings = extProcAlone(serverOf(one))
    expect(await throughEnvoy(one, form, judgeHandler(stand, false), settings)).toEqual(one.shown)
  })
})

describe('ExtMcp', () => {
  it.each(named)('%s', async (_name, one) => {
    const handler = createResponseHandler({
      listener: listener('ext-mcp', 'agentgateway'),
      onError: () => undefined,
      reviewResult: createResultReview({ snapshot: () => stand.snapshot }),
    })
    const { token } = await stand.people.credentials(one.who, { method: 'POST', url: '' })
    const metadata = { 'mcp-server': serverOf(one), ...(token !== undefined && { token }) }
    const result = listResult(one)
    const applied = applyMcpResponse(
      result,
      await handler(mcpResponseOf(one.method, result, { targets: ['t'], metadata }), call),
    )
    if (!applied.passed) throw new Error(applied.message)
    expect(namesIn(one, applied.result)).toEqual(one.shown)
  })
})

/** Its rule knows tools only, and of those the catalogue's: what no catalogue has is nothing to it. */
describe("agentgateway's own rule, fed by ext_authz", () => {
  it.each(named.filter(([, { method }]) => method === 'tools/list'))('%s', async (_name, one) => {
    const gateway = agentgateway({
      ...standalone,
      context: { 'mcp-server': serverOf(one), 'mcp-allowed-tools': 'true' },
    })
    const check = createCheckHandler({
      decide: stand.decide,
      listener: listener('ext-authz', 'agentgateway'),
      onError: () => undefined,
    })
    const request = await asked(one)
    const bytes = gateway.check(request)
    if (bytes === undefined) throw new Error('413')
    const { metadata } = gateway.apply(request, await check(bytes, call))
    const allowed = Array.isArray(metadata.allowed_tools) ? metadata.allowed_tools : []
    const known = stand.snapshot.servers.byName(serverOf(one))?.catalog?.tools
    expect(one.items.filter(item => allowed.includes(item))).toEqual(one.shown.filter(item => known?.has(item)))
  })
})

describe('explain --list', () => {
  it.each(named)('%s', async (_name, one) => {
    // Where nothing is hidden from anybody, nothing is explained either.
    if (serverOf(one) === 'audited') return
    const { token } = await stand.people.credentials(one.who, { method: 'POST', url: '' })
    const who = token === undefined ? [] : ['--token-file', stand.write('token', token)]
    const items = stand.write('items.json', JSON.stringify(listResult(one)))
    const lines: string[] = []
    await explainCommand.run(
      ['--policies', stand.directory, '--server', serverOf(one), '--list', '--items', items, ...who, '-o', 'json'],
      { out: text => lines.push(text), err: () => undefined, env: {}, signal: new AbortController().signal },
    )
    const { items: explained } = JSON.parse(lines.join('\n'))
    const shown = explained.filter((item: { readonly shown: boolean }) => item.shown)
    expect(shown.map((item: { readonly name: string }) => item.name)).toEqual(one.shown)
    expect(explained).toHaveLength(one.items.length)
    expect(listMember(one)).not.toBe('')
  })
})
