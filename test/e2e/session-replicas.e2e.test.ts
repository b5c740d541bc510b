import { randomBytes } from 'node:crypto'
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RawAnswer, type RawPost, rawPost } from '../../src/demo/raw-post.js'
import { type ReplicaStand, startReplicaStand } from './session-replicas/replica-stand.js'
import { errorOf } from './support/answers.js'
import { initialize, modern, request, toolsCall } from './support/messages.js'
import { nodeClients, type PythonClients, startPythonClients } from './visibility-matrix/listing-clients.js'

/** Sessions across two replicas that share nothing but keys, while these are being changed: each signs with another one. */

const newKey = () => randomBytes(32).toString('base64')
const [old, young] = [newKey(), newKey()]

let stand: ReplicaStand
let python: PythonClients
let alice: string
let bob: string
let agent: string
beforeAll(async () => {
  stand = await startReplicaStand([
    [old, young],
    [young, old],
  ])
  python = await startPythonClients()
  alice = await stand.idp.login('alice')
  bob = await stand.idp.login('bob')
  agent = await stand.idp.login('alice', 'sre-agent')
})
afterAll(async () => {
  python?.stop()
  await stand?.stop()
})

const list = request('tools/list', {})
const send = (
  token: string | undefined,
  session: string | undefined,
  more: Partial<RawPost> = {},
): Promise<RawAnswer> =>
  rawPost({
    url: stand.url,
    body: list,
    ...(token !== undefined && { token }),
    ...more,
    headers: { ...(session !== undefined && { 'mcp-session-id': session }), ...more.headers },
  })

async function begin(token: string): Promise<string> {
  const { status, headers } = await send(token, undefined, { body: initialize })
  expect(status).toBe(200)
  return String(headers['mcp-session-id'])
}

/** Names the key that a tag was made with. */
const keyOf = (session: string): string | undefined => session.split('~').at(-2)

/** As many as it takes for every replica to have its turn, also where each exchange asks it twice. */
const turns = 6
async function repeated<T>(what: () => Promise<T>): Promise<readonly T[]> {
  const all: T[] = []
  for (let turn = 0; turn < turns; turn++) all.push(await what())
  return all
}

const askedOf = async () => [...(await stand.asked('mcp_authz')), ...(await stand.asked('mcp_authz_answers'))]

describe('a session', () => {
  it('begun at either replica is good at both, for its owner', async () => {
    const before = await askedOf()
    const sessions = await repeated(() => begin(alice))
    expect(new Set(sessions.map(keyOf)).size).toBe(2)
    for (const session of sessions) {
      expect(session).toMatch(/^session-\d+~[\w-]{8}~[\w-]{32}$/)
      for (const { status, body } of await repeated(() => send(alice, session))) {
        expect(status).toBe(200)
        expect(JSON.parse(body).result.tools).toMatchObject([{ name: 'shown' }])
        expect(stand.server.seen.at(-1)?.session).toBe(session.split('~')[0])
      }
    }
    // Each replica had its part of both: of requests, and of answers.
    for (const [index, asked] of (await askedOf()).entries()) expect(asked).toBeGreaterThan((before[index] ?? 0) + 10)
  })

  it('goes on from where its stream broke off', async () => {
    const session = await begin(alice)
    const resume = { method: 'GET', body: '', headers: { accept: 'text/event-stream', 'last-event-id': '41' } }
    for (const { status, body } of await repeated(() => send(alice, session, resume))) {
      expect(status).toBe(200)
      expect(body).toContain('id: 42')
      expect(body).toContain('shown')
      expect(body).not.toContain('hidden')
    }
  })

  it('ends where its owner ends it', async () => {
    const session = await begin(alice)
    expect((await send(alice, session, { method: 'DELETE', body: '' })).status).toBe(204)
    // By the word of the server.
    for (const { status, body } of await repeated(() => send(alice, session))) expect([status, body]).toEqual([404, ''])
  })
})

describe('of a session that is not theirs', () => {
  let sessions: readonly string[]
  beforeAll(async () => {
    // One of each key.
    const begun = await repeated(() => begin(alice))
    sessions = [...new Map(begun.map(session => [keyOf(session), session])).values()]
    expect(sessions).toHaveLength(2)
  })
  beforeEach(() => {
    stand.server.seen.length = 0
  })

  const requests: Readonly<Record<string, Partial<RawPost>>> = {
    'POST of a list': {},
    'POST of a call': { body: toolsCall('shown', {}) },
    'POST of a notification': { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' },
    'POST of a response': { body: '{"jsonrpc":"2.0","id":1,"result":{}}' },
    'POST of initialize': { body: initialize },
    GET: { method: 'GET', body: '', headers: { accept: 'text/event-stream' } },
    'GET that resumes': { method: 'GET', body: '', headers: { accept: 'text/event-stream', 'last-event-id': '41' } },
    DELETE: { method: 'DELETE', body: '' },
    'POST of the modern era': {
      body: modern('tools/list', {}),
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
    },
  }
  interface Other {
    readonly who: string
    readonly token: () => string | undefined
    readonly url?: () => string
    readonly change?: (session: string) => string
    readonly expected: readonly [status: number, reason: string]
  }
  const foreign = [404, 'session.foreign'] as const
  const unknown = [404, 'session.unknown'] as const
  const others: readonly Other[] = [
    { who: 'another user', token: () => bob, expected: foreign },
    { who: 'its owner through an agent', token: () => agent, expected: foreign },
    { who: 'its owner at another server', token: () => alice, url: () => stand.otherUrl, expected: foreign },
    { who: 'nobody', token: () => undefined, expected: [401, 'identity.token_missing'] },
    { who: 'a forged token', token: () => `${alice.slice(0, -8)}AAAAAAAA`, expected: [401, 'identity.signature'] },
    {
      who: 'the name that the server gave it',
      token: () => alice,
      change: id => id.split('~')[0] ?? '',
      expected: unknown,
    },
    {
      who: 'the tag of another session',
      token: () => alice,
      change: id => id.replace(/^session-\d+/, 'session-99'),
      expected: foreign,
    },
    {
      who: 'the tag of a key that nobody has',
      token: () => alice,
      change: id => id.replace(/~[\w-]{8}~/, '~AAAAAAAA~'),
      expected: unknown,
    },
  ]

  it.each(others)('$who gets nothing, whichever replica is asked', async ({ token, url, change, expected }) => {
    for (const [name, more] of Object.entries(requests)) {
      for (const session of sessions) {
        const place = url === undefined ? {} : { url: url() }
        const answers = await Promise.all(
          Array.from({ length: 3 }, () => send(token(), change?.(session) ?? session, { ...more, ...place })),
        )
        for (const answer of answers) expect([answer.status, errorOf(answer).data.reason], name).toEqual(expected)
      }
    }
    expect(stand.server.seen).toEqual([])
    for (const session of sessions) expect((await send(alice, session)).status).toBe(200)
  })

  it('both replicas have refused and recorded it', async () => {
    for (const replica of stand.replicas) {
      const refused = replica.records.filter(({ reason }) => reason === 'session.foreign')
      expect(refused.length).toBeGreaterThan(10)
      for (const record of refused) expect(record).toMatchObject({ decision: 'deny', door: 'ext-proc' })
    }
  })

  it('a client of either SDK that was given one is refused', async () => {
    const [sessionId = ''] = sessions
    const requestInit = { headers: { authorization: `Bearer ${bob}` } }
    const v1 = new ClientV1({ name: 'thief', version: '1' })
    const [transportV1, transportV2] = [
      new TransportV1(new URL(stand.url), { requestInit, sessionId }),
      new TransportV2(new URL(stand.url), { requestInit, sessionId }),
    ]
    const v2 = new ClientV2({ name: 'thief', version: '1' })
    // With a session id they take themselves for connected, and send no initialize.
    await v1.connect(transportV1)
    await v2.connect(transportV2)
    await expect(v1.callTool({ name: 'shown' })).rejects.toThrow(/not yours/)
    await expect(v2.callTool({ name: 'shown' })).rejects.toThrow()
    await v1.close()
    await v2.close()
    expect(stand.server.seen.filter(({ session }) => session !== undefined)).toEqual([])
  })
})

describe('clients', () => {
  const clients = { ...nodeClients, 'Python SDK, legacy': undefined, 'Python SDK, modern': undefined }
  it.each(Object.keys(clients))('%s uses both replicas', async name => {
    const client = nodeClients[name] ?? python.client(name.endsWith('modern') ? 'auto' : 'legacy')
    for (const seen of await repeated(() => client({ url: stand.url, token: alice, headers: {}, kinds: ['tools'] })))
      expect(seen).toEqual({ tools: ['shown'] })
  })
})

/** Revision 2026-07-28 has no sessions: there is nothing to bind, and nothing to steal. */
describe('of the modern era', () => {
  it('nobody needs a session, or gets one', async () => {
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
    for (const token of [alice, bob]) {
      for (const answer of await repeated(() => send(token, undefined, { body: modern('tools/list', {}), headers }))) {
        expect(answer.status).toBe(200)
        expect(answer.headers['mcp-session-id']).toBeUndefined()
      }
    }
  })
})

describe('when the old key goes', () => {
  it('sessions of the new one live on, at both replicas; those of the old one end', async () => {
    const begun = await repeated(() => begin(alice))
    const owned = [...new Map(begun.map(session => [keyOf(session), session])).values()]
    await stand.restart(0, [young])
    // The one replica knows the old key, the other one does not: whoever comes to that one begins anew.
    // Each of Envoy's threads takes the replicas in turn for itself: how soon both were met is chance.
    const statuses = new Set<number>()
    for (let sent = 0; sent < 200 && statuses.size < 2; sent++)
      for (const session of owned) statuses.add((await send(alice, session)).status)
    expect(statuses).toEqual(new Set([200, 404]))
    await stand.restart(1, [young])
    const fresh = await begin(alice)
    for (const session of [...owned, fresh]) {
      const expected = keyOf(session) === keyOf(fresh) ? 200 : 404
      for (const { status } of await repeated(() => send(alice, session))) expect(status).toBe(expected)
      for (const { status } of await repeated(() => send(bob, session))) expect(status).toBe(404)
    }
  })

  it('nothing was complained about', () => {
    expect(stand.envoy.child.lines.filter(line => /\[(?:error|critical)\]/.test(line))).toEqual([])
  })
})
