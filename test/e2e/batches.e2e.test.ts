import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { everythingPolicies } from './support/everything-policies.js'
import { type Stand, startStand } from './support/stand.js'

let stand: Stand
let alice: string
let session: string
beforeAll(async () => {
  stand = await startStand({
    upstream: 'everything',
    serverName: 'everything',
    policies: demo => {
      const files = everythingPolicies(demo)
      return {
        ...files,
        'everything.yaml': (files['everything.yaml'] ?? '').replace('require:', 'batches: legacy\n  require:'),
      }
    },
  })
  alice = await stand.idp.login('alice')
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const first = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, {})
  session = String(first.headers['mcp-session-id'])
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' })
})
afterAll(() => stand?.stop())
beforeEach(() => stand.proxy.forget())

function post(body: unknown, headers: Record<string, string> = { 'mcp-session-id': session }): Promise<RawAnswer> {
  return rawPost({ url: stand.url, token: alice, body: JSON.stringify(body), headers })
}

/** The messages of an answer, whether it came as JSON or as events. */
function messagesOf({ headers, body }: RawAnswer): readonly { readonly id?: unknown }[] {
  if (headers['content-type'] === 'application/json') return [JSON.parse(body)].flat()
  return body
    .split('\n')
    .filter(line => line.startsWith('data: '))
    .flatMap(line => JSON.parse(line.slice('data: '.length)))
}

const sum = (id: unknown, a: number) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'get-sum', arguments: { a, b: 1 } },
})
const denied = (id: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'get-env', arguments: {} },
})

describe('a batch to a server that takes batches', () => {
  it('is executed when each of its calls is given', async () => {
    const answer = await post([sum(1, 1), sum('b', 2)])
    expect(answer.status).toBe(200)
    const texts = JSON.stringify(messagesOf(answer))
    expect(texts).toContain('"The sum of 1 and 1 is 2."')
    expect(texts).toContain('"The sum of 2 and 1 is 3."')
    expect(stand.proxy.count()).toBe(1)
  })

  it('does not reach the server when one of its calls is not', async () => {
    const answer = await post([sum(1, 1), denied('x')])
    expect(answer.status).toBe(200)
    expect(messagesOf(answer)).toMatchObject([
      { id: 1, error: { data: { reason: 'message.batch' } } },
      { id: 'x', result: { isError: true } },
    ])
    expect(stand.proxy.count()).toBe(0)
  })

  it('does not reach the server under a version without batches, though the server would execute it', async () => {
    const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' }
    const answer = await post([sum(1, 1)], headers)
    expect(answer.status).toBe(400)
    expect(stand.proxy.count()).toBe(0)
    const straight = await rawPost({ url: `${stand.server.origin}/mcp`, body: JSON.stringify([sum(1, 1)]), headers })
    expect(straight.body).toContain('The sum of 1 and 1 is 2.')
  })
})
