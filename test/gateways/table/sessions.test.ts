import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BidiStreamHandler } from '../../../src/doors/grpc/grpc-transport.js'
import { besideExtAuthz, ExtProcExchange, type ExtProcSettings, extProcAlone } from '../ext-proc.js'
import { judgeHandler } from './alone-way.js'
import { ask, call } from './messages.js'
import type { Who } from './people.js'
import { requestOf } from './request-of.js'
import { startTable, type TableStand } from './stand.js'
import { envoy140, extAuthz, reviewHandler } from './ways.js'

let stand: TableStand
beforeAll(async () => {
  stand = await startTable()
})
afterAll(() => stand.stop())

const begin = ask('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'c', version: '1' },
})

/** A request, and what became of its session id. */
async function send(handler: BidiStreamHandler, settings: ExtProcSettings, who: Who, session?: string) {
  const headers = session === undefined ? [] : ([['mcp-session-id', session]] as const)
  const body = session === undefined ? begin : call('echo')
  const { request } = await requestOf({ name: '', who, body, headers, expected: 'allow' }, stand)
  const exchange = new ExtProcExchange(handler, settings)
  const passed = await exchange.request(request)
  if (passed.to === 'client') {
    const { error, result } = JSON.parse(passed.answer.body.toString())
    return {
      status: passed.answer.status,
      reason: error?.data?.reason ?? result?._meta?.['mcp-authz.dev/decision']?.reason,
    }
  }
  const server = new Map(passed.request.headers).get('mcp-session-id')
  const headersOfServer = new Map([['content-type', ['application/json']]])
  if (session === undefined) headersOfServer.set('mcp-session-id', ['s-1'])
  const answer = await exchange.response({
    status: 200,
    headers: headersOfServer,
    body: Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'),
  })
  exchange.close()
  return { server, client: answer.headers.get('mcp-session-id')?.[0] }
}

const doors = [
  ['ext_proc beside ext_authz', (table: TableStand) => reviewHandler(table, true), besideExtAuthz('files')],
  ['ext_proc alone', (table: TableStand) => judgeHandler(table, true), extProcAlone('files')],
] as const

describe.each(doors)('sessions over %s', (_name, handlerOf, settings) => {
  it('belong to the caller they were given to, in every replica', async () => {
    const [one, other] = [handlerOf(stand), handlerOf(stand)]
    const { client = '' } = await send(one, settings, 'alice')
    expect(client).toMatch(/^s-1~k~/)
    expect(await send(other, settings, 'alice', client)).toMatchObject({ server: 's-1' })
    expect(await send(other, settings, 'bob', client)).toEqual({ status: 404, reason: 'session.foreign' })
    expect(await send(other, settings, 'alice through an agent', client)).toMatchObject({ reason: 'session.foreign' })
    expect(await send(other, settings, 'alice', 's-1')).toEqual({ status: 404, reason: 'session.unknown' })
    expect(await send(other, settings, 'alice', `${client.slice(0, -1)}!`)).toMatchObject({ status: 404 })
  })
})

it('over ext_authz alone belong to nobody: their form is looked at, and nothing else', async () => {
  const askEnvoy = extAuthz(stand, envoy140())
  for (const who of ['alice', 'alice through an agent'] as const) {
    const one = { name: '', who, body: call('echo'), headers: [['mcp-session-id', 's-1']], expected: 'allow' } as const
    const verdict = await askEnvoy(one, (await requestOf(one, stand)).request)
    expect([verdict.outcome, verdict.server?.get('mcp-session-id')]).toEqual(['allow', ['s-1']])
  }
})
