import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { authorityHeaders, ownHeaders } from '../../src/decision/allow-headers.js'
import type { ListenerSettings } from './support/envoy-listeners.js'
import { type AuthorizedStand, startAuthorizedStand } from './support/listener-stand.js'
import { type RawExchange, rawExchange } from './support/raw-exchange.js'

/**
 * What a server gets of the headers that decide who asks: nothing that a client wrote, in no spelling, on no way on
 * which a request can be allowed; and never more than Envoy lets pass.
 */

const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const enrichment = (name: string) => `
---
${head}
kind: Enrichment
metadata: { name: ${name} }
spec:
  match: { servers: [enforcing], tools: [enriched] }
  requestHeaders:
${Array.from({ length: 6 }, (_, i) => `  - { name: x-mcp-authz-${name}${i}, valueExpression: "'${'v'.repeat(1024)}'" }`).join('\n')}`
const policies = `
${head}
kind: Server
metadata: { name: enforcing }
spec: { resource: https://mcp.example.com/mcp, require: [grants] }
---
${head}
kind: Server
metadata: { name: anonymous }
spec: { resource: https://open.example.com/mcp, audiences: ["https://mcp.example.com/mcp"], require: [grants], anonymous: Allow }
---
${head}
kind: Server
metadata: { name: audit }
spec: { resource: https://audit.example.com/mcp, audiences: ["https://mcp.example.com/mcp"], require: [grants], mode: Audit }
---
${head}
kind: Grant
metadata: { name: all }
spec: { match: { servers: [enforcing], subjects: [{ kind: Group, name: "system:authenticated" }] } }
---
${head}
kind: Enrichment
metadata: { name: team }
spec:
  match: { servers: ["*"], tools: [never] }
  requestHeaders: [{ name: x-mcp-authz-team, valueExpression: "'a'" }]${enrichment('a')}${enrichment('b').replace(/\n.*b5,.*/, '')}
`

const servers = ['enforcing', 'anonymous', 'audit'] as const
type ServerName = (typeof servers)[number]
/** How a gateway can show headers; dropping underscores is what our own configuration does. */
const views = {
  'raw headers': {},
  'raw headers with underscores': { underscores: 'ALLOW' },
  'joined headers with underscores': { underscores: 'ALLOW', rawHeaders: false },
} as const satisfies Record<string, Partial<ListenerSettings>>
type View = keyof typeof views
const viewNames: readonly View[] = ['raw headers', 'raw headers with underscores', 'joined headers with underscores']

let stand: AuthorizedStand<string>
let token: string
let greatest: string
beforeAll(async () => {
  const listeners = servers.flatMap(server =>
    viewNames.map(view => {
      const body = { maxBytes: 4096, allowPartial: false, packAsBytes: true }
      return [`${server}, ${view}`, { body, extensions: { 'mcp-server': server }, ...views[view] }] as const
    }),
  )
  const rejecting: Omit<ListenerSettings, 'port'> = {
    underscores: 'REJECT_REQUEST',
    extensions: { 'mcp-server': 'enforcing' },
  }
  const narrow: Omit<ListenerSettings, 'port'> = { maxHeaders: 40, extensions: { 'mcp-server': 'enforcing' } }
  stand = await startAuthorizedStand<string>({ ...Object.fromEntries(listeners), rejecting, narrow }, policies)
  token = await stand.issuer.token()
  greatest = await stand.issuer.token({
    preferred_username: '字'.repeat(256),
    tenant: '字'.repeat(256),
    groups: Array.from({ length: 200 }, (_, i) => `group-${i}`),
  })
})
afterAll(() => stand?.stop())
beforeEach(() => stand.forget())

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
const enriched = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"enriched","arguments":{}}}'

interface Way {
  readonly what: string
  readonly server: ServerName
  /** Request line and header lines, without a host. */
  readonly lines: (token: string) => readonly string[]
  readonly body?: string
}
const posted = ['POST /mcp HTTP/1.1', 'Content-Type: application/json', 'Accept: application/json, text/event-stream']
const bearer = (value: string): string => `Authorization: Bearer ${value}`

/** Every way on which a request is allowed. */
const ways: readonly Way[] = [
  { what: 'with a token', server: 'enforcing', lines: value => [...posted, bearer(value)], body: ping },
  {
    what: 'that opens a stream',
    server: 'enforcing',
    lines: value => ['GET /mcp HTTP/1.1', 'Accept: text/event-stream', bearer(value)],
  },
  { what: 'without a token', server: 'anonymous', lines: () => posted, body: ping },
  {
    what: 'with a token, where none is needed',
    server: 'anonymous',
    lines: value => [...posted, bearer(value)],
    body: ping,
  },
  {
    what: 'that is a preflight',
    server: 'enforcing',
    lines: () => ['OPTIONS /mcp HTTP/1.1', 'Origin: https://a.example', 'Access-Control-Request-Method: POST'],
  },
]
const audited: readonly Way[] = [
  { what: 'with a token', server: 'audit', lines: value => [...posted, bearer(value)], body: ping },
  { what: 'without a token', server: 'audit', lines: () => posted, body: ping },
  { what: 'with a bad token', server: 'audit', lines: () => [...posted, bearer('x.y.z')], body: ping },
  { what: 'that is no message', server: 'audit', lines: value => [...posted, bearer(value)], body: '[[[' },
  {
    what: 'that is a preflight',
    server: 'audit',
    lines: () => ['OPTIONS /mcp HTTP/1.1', 'Origin: https://a.example', 'Access-Control-Request-Method: POST'],
  },
]

function send(way: Way, view: View, headers: readonly string[], value = token): Promise<RawExchange> {
  const { lines, body = '' } = way
  const [line = '', ...others] = lines(value)
  const all = [
    line,
    'Host: mcp.example.com',
    ...others,
    ...headers,
    ...(body ? [`Content-Length: ${body.length}`] : []),
  ]
  return rawExchange(stand.port(`${way.server}, ${view}`), [`${all.join('\r\n')}\r\n\r\n${body}`])
}

/** Every value that the server got under names that it could take for `name`. */
function received(name: string): string[] {
  const raw = stand.server.arrived[0]?.rawHeaders ?? []
  return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase().replaceAll('_', '-') === name)
}

const capitals = (name: string): string => name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())

/** The ways in which a client can write a name, each with another value. */
const spellings: readonly { readonly how: string; readonly write: (name: string) => readonly string[] }[] = [
  { how: 'as it is', write: name => [`${name}: root`] },
  { how: 'in capitals', write: name => [`${name.toUpperCase()}: root`] },
  {
    how: 'several times',
    write: name => [`${name}: root1`, `${capitals(name)}: root2`, `${name.toUpperCase()}: root3`],
  },
  { how: 'with underscores', write: name => [`${name.replaceAll('-', '_')}: root`] },
  { how: 'with one underscore', write: name => [`${name.replace('-', '_')}: root`] },
  {
    how: 'in all ways at once',
    write: name => [
      `${name}: root1`,
      `${name.replaceAll('-', '_')}: root2`,
      `${capitals(name).replace('-', '_')}: root3`,
    ],
  },
]

const families = ['impersonate-extra-scopes', 'x-remote-extra-scopes', 'x-auth-request-redirect', 'x-webauth-user']
/** Those that framing looks at as well. */
const counted = ['authorization', 'proxy-authorization', 'dpop']
const inTens = (names: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(names.length / 10) }, (_, i) => names.slice(10 * i, 10 * i + 10))
const own = [...ownHeaders, 'x-mcp-authz-team', 'x-mcp-authz-not-known-yet']

describe.each(viewNames)('%s', view => {
  describe.each(ways)('a request $what', way => {
    it.each(spellings)('brings none of the names that say who asks, written $how', async ({ write }) => {
      for (const names of inTens([...own, ...authorityHeaders, ...families].filter(name => !counted.includes(name)))) {
        stand.forget()
        expect((await send(way, view, names.flatMap(write))).status).toBe(200)
        expect(names.filter(name => received(name).some(value => value.includes('root')))).toEqual([])
      }
    })

    it.each(spellings)('brings no credentials beside those of ours, written $how', async ({ write }) => {
      for (const name of counted) {
        stand.forget()
        const answer = await send(way, view, write(name))
        // Framing wants them once and spelled well; a second Authorization is one too many.
        if (answer.status === 200) expect([name, received(name)]).toEqual([name, []])
        else {
          expect(answer.body).toMatch(/"framing\.header_(?:invalid|repeated)"|"identity\./)
          expect(stand.server.arrived).toHaveLength(0)
        }
      }
    })

    it.each(spellings)('brings what means nothing to anybody, written $how', async ({ write }) => {
      const headers = write('x-harmless-name')
      expect((await send(way, view, headers)).status).toBe(200)
      const dropped = view === 'raw headers' && headers.every(line => line.includes('_'))
      expect(received('x-harmless-name').some(value => value.includes('root'))).toBe(!dropped)
    })

    it('arrives where it was sent to, with nothing of ours that steers the gateway', async () => {
      await send(way, view, [])
      const [arrived] = stand.server.arrived
      expect(arrived?.target).toBe('/mcp')
      expect(received('host')).toEqual(['mcp.example.com'])
      const names = (arrived?.rawHeaders ?? []).filter((_, at) => at % 2 === 0)
      expect(names.filter(name => name.startsWith('x-envoy-'))).toEqual([])
      expect(names.filter(name => name.startsWith(':'))).toEqual([])
    })
  })

  it('with a token: each of our names arrives once, and says what we say', async () => {
    const [way] = ways
    if (way === undefined) throw new Error('no way')
    const forged = own.flatMap(name => [`${name}: root`, `${name.replaceAll('-', '_')}: root`])
    const answer = await send(way, view, forged)
    const id = answer.headers['x-mcp-authz-decision-id']
    expect(Object.fromEntries(own.map(name => [name, received(name)]))).toEqual({
      ...Object.fromEntries(own.map(name => [name, []])),
      'x-mcp-authz-user': ['alice'],
      'x-mcp-authz-groups': ['staff,system:authenticated'],
      'x-mcp-authz-decision-id': [id],
      'x-mcp-authz-policy-revision': [expect.stringMatching(/^[0-9a-f]+$/)],
    })
  })

  describe.each(audited)('in Audit, a request $what', way => {
    it.each(spellings)('brings none of our names, written $how', async ({ write }) => {
      for (const names of inTens(own)) {
        stand.forget()
        expect((await send(way, view, names.flatMap(write))).status).toBe(200)
        expect(names.filter(name => received(name).some(value => value.includes('root')))).toEqual([])
      }
    })

    it('and everything else as it came', async () => {
      const sent = way.lines(token).find(line => line.startsWith('Authorization: '))
      for (const name of ['impersonate-user', 'kubernetes-authorization', 'x-forwarded-user', 'x-remote-user']) {
        stand.forget()
        expect((await send(way, view, [`${name}: root`])).status).toBe(200)
        expect(received(name)).toEqual(['root'])
        expect(received('authorization')).toEqual(sent === undefined ? [] : [sent.slice('Authorization: '.length)])
      }
    })
  })

  it.each(['', '/mcp'])('well-known documents%s are ours: nothing reaches the server', async path => {
    const way = {
      ...{ what: '', server: 'enforcing' as const },
      lines: () => [`GET /.well-known/oauth-protected-resource${path} HTTP/1.1`],
    }
    await send(way, view, ['x-mcp-authz-user: root'])
    expect(stand.server.arrived).toHaveLength(0)
  })
})

describe('a gateway that rejects underscores', () => {
  it('answers 400, and nobody hears of the request', async () => {
    const lines = ['GET /mcp HTTP/1.1', 'Host: mcp.example.com', bearer(token), 'x_mcp_authz_user: root']
    expect((await rawExchange(stand.port('rejecting'), [`${lines.join('\r\n')}\r\n\r\n`])).status).toBe(400)
    expect(stand.checks.asked).toHaveLength(0)
    expect(stand.server.arrived).toHaveLength(0)
  })
})

describe('a gateway with lower limits than the default', () => {
  it('refuses after us what we take beyond them: nothing passes, and nobody is told why', async () => {
    const lines = ['GET /mcp HTTP/1.1', 'Host: mcp.example.com', 'Accept: text/event-stream', bearer(token)]
    const ask = (count: number) => {
      const more = Array.from({ length: count }, (_, i) => `x-${i}: v`)
      return rawExchange(stand.port('narrow'), [`${[...lines, ...more].join('\r\n')}\r\n\r\n`])
    }
    expect((await ask(20)).status).toBe(200)
    stand.forget()
    expect(await ask(32)).toMatchObject({ status: 500, body: '' })
    expect([stand.checks.asked.length, stand.server.arrived.length]).toEqual([1, 0])
  })
})

describe('headers near the limits of Envoy (100 lines, 60 KiB)', () => {
  const [plain, stream] = ways
  if (plain === undefined || stream === undefined) throw new Error('no ways')
  const call: Way = { ...plain, body: enriched }
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `x-${i}: v`)
  const same = (count: number): string[] => Array.from({ length: count }, () => 'x-a: v')
  const long = (kilobytes: number): string[] => [`cookie: ${'c'.repeat(kilobytes * 1024)}`]
  const counts = [0, 40, 55, 60, 62, 63, 64, 65, 66, 67, 68, 70, 75, 80, 85, 86, 87, 88, 89, 90, 91, 92, 95, 100, 150]
  const sizes = [1, 8, 16, 20, 22, 24, 26, 28, 30, 31, 32, 36, 40, 48, 50, 52, 54, 56, 57, 58, 59, 60, 61, 70]
  const requests = [...counts.flatMap(count => [many(count), same(count)]), ...sizes.map(long)]

  /** 200, or a refusal with a reason: ours, or Envoy's before it asks. Never an error after the decision. */
  async function outcomes(way: Way, value: string): Promise<Record<string, number>> {
    const seen: Record<string, number> = {}
    for (const headers of requests) {
      stand.forget()
      const answer = await send(way, 'raw headers', headers, value)
      const asked = stand.checks.asked.length > 0
      const reason =
        answer.status === 200
          ? 'passes'
          : !asked
            ? 'not asked'
            : answer.body === ''
              ? 'mute'
              : JSON.parse(answer.body)?.error?.data?.reason
      const outcome = `${answer.status} ${reason}`
      expect(stand.server.arrived).toHaveLength(answer.status === 200 ? 1 : 0)
      seen[outcome] = (seen[outcome] ?? 0) + 1
    }
    return seen
  }

  it.each([
    ['an ordinary caller', plain, () => token],
    ['one with the longest names and many groups', plain, () => greatest],
    ['a call that Enrichments add to, by an ordinary caller', call, () => token],
    ['a call that Enrichments add to, by the greatest', call, () => greatest],
    ['a stream', stream, () => greatest],
  ] as const)('%s: what is too much is refused with a reason', async (_what, way, value) => {
    const seen = await outcomes(way, value())
    expect(Object.keys(seen).sort()).toEqual(['200 passes', '431 framing.headers_too_large', '431 not asked'])
  })

  it('in Audit everything passes that Envoy lets in', async () => {
    const [way] = audited
    if (way === undefined) throw new Error('no way')
    expect(Object.keys(await outcomes(way, token)).sort()).toEqual(['200 passes', '431 not asked'])
    stand.forget()
    await send(way, 'raw headers', [...many(80), 'x-mcp-authz-user: root', 'x-mcp-authz-decision-id: root'])
    expect([...received('x-mcp-authz-user'), ...received('x-mcp-authz-decision-id')]).toEqual([])
  })

  it('all that Enrichments and long names add arrives', async () => {
    expect((await send(call, 'raw headers', many(50), greatest)).status).toBe(200)
    expect(received('x-mcp-authz-a5')).toEqual(['v'.repeat(1024)])
    expect(decodeURIComponent(received('x-mcp-authz-user').join())).toBe('字'.repeat(256))
    expect(received('x-mcp-authz-groups').join().split(',')).toHaveLength(201)
  })

  it('more groups than a header has room for are counted instead', async () => {
    const groups = Array.from({ length: 400 }, (_, i) => `group-with-a-name-${i}`)
    expect((await send(plain, 'raw headers', [], await stand.issuer.token({ groups }))).status).toBe(200)
    expect([received('x-mcp-authz-groups'), received('x-mcp-authz-groups-omitted')]).toEqual([[], ['401']])
  })

  it('are not seen where repeats are joined: then Envoy refuses after us, which lets nothing pass', async () => {
    const answer = await send(plain, 'joined headers with underscores', same(88))
    expect(answer.status).toBe(500)
    expect(stand.server.arrived).toHaveLength(0)
  })

  it('of an answer of the server are its own affair: ours come beside 90 of them', async () => {
    stand.server.answerWith(Array.from({ length: 90 }, (_, i) => [`x-${i}`, 'v'] as const))
    const answer = await send(plain, 'raw headers', [])
    expect(answer.status).toBe(200)
    expect(answer.headers['x-mcp-authz-decision-id']).toBeDefined()
  })

  it('an answer that says it was decided by somebody else is overwritten', async () => {
    stand.server.answerWith([['x-mcp-authz-decision-id', 'forged']])
    expect((await send(plain, 'raw headers', [])).headers['x-mcp-authz-decision-id']).toMatch(/^[0-9a-f-]{36}$/)
  })
})
