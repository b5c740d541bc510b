import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ListenerSettings } from './support/envoy-listeners.js'
import { type AuthorizedStand, startAuthorizedStand } from './support/listener-stand.js'
import { type RawExchange, rawExchange } from './support/raw-exchange.js'

/** How Envoy shows a request: what is changed on the way to us, and that we refuse what the server would read differently. */

const body = { maxBytes: 4096, allowPartial: false, packAsBytes: true }
const extensions = { 'mcp-server': 'open' }
const listeners = {
  raw: { body, extensions, underscores: 'ALLOW' },
  joined: { body, extensions, underscores: 'ALLOW', rawHeaders: false },
  'paths as they come': { body, extensions, normalizePaths: false },
  'by address': { body },
} as const satisfies Record<string, Omit<ListenerSettings, 'port'>>
type Name = keyof typeof listeners

let stand: AuthorizedStand<Name>
let token: string
beforeAll(async () => {
  stand = await startAuthorizedStand(
    listeners,
    `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: open }
spec: { resource: https://mcp.example.com/mcp, require: [grants] }
`,
  )
  token = await stand.issuer.token()
})
afterAll(() => stand?.stop())
beforeEach(() => stand.forget())

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}'

function post(
  name: Name,
  lines: readonly string[] = [],
  path = '/mcp',
  host = 'mcp.example.com',
): Promise<RawExchange> {
  const head = [
    ...[`POST ${path} HTTP/1.1`, `Host: ${host}`, 'Content-Type: application/json', `Authorization: Bearer ${token}`],
    ...[...lines, `Content-Length: ${ping.length}`, '', ''],
  ].join('\r\n')
  // Bytes beyond ASCII go out one by one.
  return rawExchange(stand.port(name), [Buffer.from(head, 'latin1'), ping])
}

/** Every value under this name, as it is shown; undefined for one that is not there. */
function shown(name: string): (string | undefined)[] {
  const [http = {}] = stand.checks.asked
  const listed = http.headerMap?.headers?.filter(({ key }) => key === name) ?? []
  if (listed.length > 0) return listed.map(({ rawValue }) => Buffer.from(rawValue ?? []).toString('latin1'))
  return name in (http.headers ?? {}) ? [http.headers?.[name]] : []
}

const reasonOf = ({ body: text }: RawExchange): unknown => JSON.parse(text)?.error?.data?.reason

function expectRefused(answer: RawExchange, reason: string): void {
  expect(reasonOf(answer)).toBe(reason)
  expect(stand.server.arrived).toHaveLength(0)
}

describe('headers', () => {
  it('repeats stay apart where headers are raw, and are joined where they are not', async () => {
    await post('raw', ['x-a: 1', 'X-A: 2'])
    expect(shown('x-a')).toEqual(['1', '2'])
    stand.forget()
    await post('joined', ['x-a: 1', 'X-A: 2'])
    expect(shown('x-a')).toEqual(['1,2'])
  })

  it.each(['raw', 'joined'] as const)('%s: two session ids are refused', async name => {
    expectRefused(await post(name, ['Mcp-Session-Id: a', 'mcp-session-id: b']), 'framing.header_repeated')
  })

  it.each(['raw', 'joined'] as const)(
    '%s: a second content type is joined before anybody sees it, and refused',
    async name => {
      const answer = await post(name, ['Content-Type: text/plain'])
      expect(shown('content-type')).toEqual(['application/json,text/plain'])
      expectRefused(answer, 'framing.content_type')
    },
  )

  it('bytes that are not UTF-8 stay where headers are raw, and become "!" where they are not', async () => {
    await post('raw', ['x-a: a\xffb'])
    expect(shown('x-a')).toEqual(['a\xffb'])
    stand.forget()
    await post('joined', ['x-a: a\xffb'])
    expect(shown('x-a')).toEqual(['a!b'])
  })

  it('a session id with such a byte is refused where it can be seen', async () => {
    expectRefused(await post('raw', ['Mcp-Session-Id: a\xffb']), 'framing.header_invalid')
  })

  it.each(['raw', 'joined'] as const)(
    '%s: names with underscores are shown, and those that look like ours refused',
    async name => {
      await post(name, ['x_a: 1'])
      expect(shown('x_a')).toEqual(['1'])
      stand.forget()
      expectRefused(await post(name, ['mcp_session_id: s']), 'framing.header_invalid')
    },
  )

  it('an empty value is an entry without one', async () => {
    await post('raw', ['x-a:'])
    expect(shown('x-a')).toEqual([''])
  })

  it.each(['raw', 'joined'] as const)('%s: pseudo headers are among them, and what Envoy adds itself', async name => {
    expect((await post(name)).status).toBe(200)
    expect(shown(':path')).toEqual(['/mcp'])
    expect(shown(':method')).toEqual(['POST'])
    expect(shown('x-forwarded-proto')).toEqual(['http'])
    expect(shown('x-request-id')).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)])
    expect(stand.checks.asked[0]?.id).toMatch(/^\d+$/)
  })

  it('transfer-encoding is not among them: chunks cannot be seen', async () => {
    const head = [
      ...['POST /mcp HTTP/1.1', 'Host: mcp.example.com', 'Content-Type: application/json'],
      ...[`Authorization: Bearer ${token}`, 'Transfer-Encoding: chunked', '', ''],
    ].join('\r\n')
    const chunks = `${ping.length.toString(16)}\r\n${ping}\r\n0\r\n\r\n`
    expect((await rawExchange(stand.port('raw'), [head, chunks])).status).toBe(200)
    expect(shown('transfer-encoding')).toEqual([])
  })

  it('the address of the client is that of the connection, whatever it says', async () => {
    await post('raw', ['x-forwarded-for: 203.0.113.1', 'x-envoy-external-address: 203.0.113.1'])
    expect(stand.checks.addresses).toEqual(['127.0.0.1'])
  })
})

describe('paths that Envoy normalizes', () => {
  it.each(['/x/../mcp', '/x/%2e%2e/mcp', '//mcp', '/./mcp', '\\mcp', '/%6dcp'])(
    '%s: what is judged is what the server gets, or nothing arrives',
    async path => {
      const answer = await post('raw', [], path)
      const [asked] = stand.checks.asked
      if (answer.status === 200) expect([asked?.path, stand.server.arrived[0]?.target]).toEqual(['/mcp', '/mcp'])
      else expect(stand.server.arrived).toHaveLength(0)
    },
  )

  it.each(['/mcp%2f', '/mcp%5c', '/%2fmcp', '/mcp#x', '/mcp?a#x'])('%s: Envoy refuses', async path => {
    expect((await post('raw', [], path)).status).toBe(400)
    expect(stand.checks.asked).toHaveLength(0)
  })

  it('the query is left as it is', async () => {
    expect((await post('raw', [], '/mcp?x=%2f&u=http://h//b/../c')).status).toBe(200)
    expect(stand.server.arrived[0]?.target).toBe('/mcp?x=%2f&u=http://h//b/../c')
  })
})

describe('paths that Envoy leaves as they are', () => {
  it.each([
    '/x/../mcp',
    '/x/%2e%2e/mcp',
    '//mcp',
    '/mcp/.',
    '/mcp%2f',
    '/mcp%5c',
    '/mcp/..;/',
    '/mcp%00',
    '/mcp%zz',
    '/mcp\\',
  ])('%s comes to us so, and is refused', async path => {
    const answer = await post('paths as they come', [], path)
    if (stand.checks.asked.length === 0) {
      expect(answer.status).toBe(400)
      expect(stand.server.arrived).toHaveLength(0)
      return
    }
    expect(stand.checks.asked[0]?.path).toBe(path)
    expectRefused(answer, 'framing.path_ambiguous')
  })

  it.each(['/mcp/', '/mcp/x', '/MCP', '/mcp;a', '/', '/%6dcp'])('%s is not the endpoint', async path => {
    expectRefused(await post('paths as they come', [], path), 'server.path')
  })
})

describe('hosts, where they choose the Server', () => {
  it.each(['mcp.example.com', 'MCP.example.com'])('%s is it', async host => {
    expect((await post('by address', [], '/mcp', host)).status).toBe(200)
  })

  it.each([
    'other.example.com',
    'mcp.example.com.',
    'mcp.example.com:1',
    'mcp.example.com, x',
    'x@mcp.example.com',
    'mcp.example.com/x',
  ])('%s is not', async host => {
    const answer = await post('by address', [], '/mcp', host)
    if (stand.checks.asked.length > 0)
      expect(reasonOf(answer)).toMatch(/^(?:server\.unknown|framing\.authority_ambiguous)$/)
    else expect(answer.status).toBe(400)
    expect(stand.server.arrived).toHaveLength(0)
  })

  it('a second Host is refused or never asked about', async () => {
    const answer = await post('by address', ['Host: other.example.com'])
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(stand.server.arrived).toHaveLength(0)
  })
})
