import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { http2Request } from './support/http2-request.js'
import { initialize } from './support/messages.js'
import type { PolicyFiles } from './support/policy-directory.js'
import { type Stand, type StandOptions, startStand } from './support/stand.js'
import { switchPolicies } from './support/switch-policies.js'

type Upstream = NonNullable<StandOptions['upstream']>

const both = 'application/json, text/event-stream'
const notation = { 'io.modelcontextprotocol/clientCapabilities': {} }

interface Probe {
  readonly what: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Not in the session. */
  readonly alone?: boolean
}

function legacy(what: string, method: string, params: object, more: Partial<Probe> = {}, id = '1'): Probe {
  return { what, body: `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}`, ...more }
}
function modern(what: string, method: string, name: string, params: object): Probe {
  const version = '2026-07-28'
  const about = { 'io.modelcontextprotocol/protocolVersion': version, ...notation }
  const named = name === '' ? {} : { 'mcp-name': name }
  const headers = { accept: both, 'mcp-protocol-version': version, 'mcp-method': method, ...named }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: about } })
  return { what, body, headers, alone: true }
}
const call = (what: string, more: Partial<Probe> = {}, id = '1') =>
  legacy(what, 'tools/call', { name: 'no-such-tool', arguments: {} }, more, id)

/** Requests for what no server has, in every way that changes the answer. */
const common: readonly Probe[] = [
  call('a tool'),
  ...['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'].map(version =>
    call(`a tool, at ${version}`, { headers: { accept: both, 'mcp-protocol-version': version } }),
  ),
  ...[
    'application/json',
    'text/event-stream',
    '*/*',
    'application/*, text/*',
    'APPLICATION/JSON,TEXT/EVENT-STREAM',
  ].map(accept => call(`a tool, accepting ${accept}`, { headers: { accept } })),
  call('parameters of media types', { headers: { accept: 'text/event-stream;q=0.5, application/json;charset=utf-8' } }),
  ...['"a\\u0041\\/b"', '"<&>\\u2028é\\u0008"', '-5', '0'].map(id => call(`an id ${id}`, {}, id)),
  legacy('a prompt', 'prompts/get', { name: 'no-such-prompt' }),
  legacy('a resource', 'resources/read', { uri: "demo://no/such'?a&b" }),
  legacy('a completion', 'completion/complete', {
    ref: { type: 'ref/prompt', name: 'no-such-prompt' },
    argument: { name: 'a', value: 'b' },
  }),
]
const ofModern: readonly Probe[] = [
  modern('a tool, stateless', 'tools/call', 'no-such-tool', { name: 'no-such-tool', arguments: {} }),
  modern('a prompt, stateless', 'prompts/get', 'no-such-prompt', { name: 'no-such-prompt' }),
  modern('a resource, stateless', 'resources/read', 'demo://no/such', { uri: 'demo://no/such' }),
  modern('a completion, stateless', 'completion/complete', '', {
    ref: { type: 'ref/prompt', name: 'no-such-prompt' },
    argument: { name: 'a', value: 'b' },
  }),
]

const places: readonly { upstream: Upstream; catalog: string; probes: readonly Probe[]; existing: string }[] = [
  {
    upstream: 'kubernetes',
    catalog: 'kubernetes-mcp-server',
    probes: [...common, call('an id beyond 2^53', {}, '9007199254740993')],
    existing: 'pods_delete',
  },
  {
    upstream: 'kubernetes-stateless',
    catalog: 'kubernetes-mcp-server',
    probes: [...common, ...ofModern, call('a tool without a session', { alone: true })],
    existing: 'pods_delete',
  },
  {
    upstream: 'everything',
    catalog: 'server-everything',
    probes: [...common, call('a tool without a session', { alone: true })],
    existing: 'get-env',
  },
]

describe.each(places)('denial: hide in front of $upstream', ({ upstream, catalog, probes, existing }) => {
  let stand: Stand
  let token: string
  let session: Readonly<Record<string, string>> = {}

  beforeAll(async () => {
    stand = await startStand({
      upstream,
      serverName: 'srv',
      serverIgnoresTokens: true,
      adaptEnvoy: withoutContentLength,
      policies: demo => ({ 'identity.yaml': demo['identity.yaml'] ?? '', ...serverIn('Audit', catalog) }),
    })
    token = await stand.idp.login('alice')
    const opened = await rawPost({ url: stand.url, token, body: initialize })
    const id = opened.headers['mcp-session-id']
    if (typeof id === 'string') session = { 'mcp-session-id': id }
    await rawPost({
      url: stand.url,
      token,
      headers: session,
      body: '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    })
  })
  afterAll(() => stand?.stop())

  function ask({ body, headers = {}, alone = false }: Probe): Promise<RawAnswer> {
    return rawPost({ url: stand.url, token, headers: { ...(alone ? {} : session), ...headers }, body })
  }
  async function askAll(): Promise<Map<string, unknown>> {
    const answers = new Map<string, unknown>()
    for (const probe of probes) answers.set(probe.what, comparable(await ask(probe)))
    const { body } = call('')
    answers.set('over HTTP/2', comparable(await http2Request({ url: stand.url, token, body, headers: session })))
    return answers
  }

  it('answers for what does not exist as the server does, and for what it hides the same', async () => {
    const theirs = await askAll()
    expect(stand.proxy.count()).toBeGreaterThan(probes.length)
    expect(stand.authz.records.every(({ decision }) => decision !== 'deny')).toBe(true)

    await switchPolicies(stand, 'server.yaml', serverIn('Enforce', catalog)['server.yaml'] ?? '', () => ask(call('')))
    stand.proxy.forget()
    for (const [what, answer] of await askAll()) expect({ what, answer }).toEqual({ what, answer: theirs.get(what) })
    const hidden = await ask(call('', { body: call('').body.replace('no-such-tool', existing) }))
    const unknown = await ask(call(''))
    expect(hidden.body).toContain(existing)
    expect(comparable({ ...hidden, body: hidden.body.replaceAll(existing, 'no-such-tool') })).toEqual(
      comparable(unknown),
    )
    expect(stand.proxy.count()).toBe(0)
  })
})

/**
 * Envoy gives its own replies a content-length; event streams have none. One filter more makes the two alike, as
 * docs/envoy.md says.
 */
function withoutContentLength(template: string): string {
  const filter = `
          - name: envoy.filters.http.header_mutation
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
              mutations: { response_mutations: [{ remove: content-length }] }`
  const router = '\n          - name: envoy.filters.http.router\n'
  if (!template.includes(router)) throw new Error('envoy/ext-authz.yaml has no router where it is expected')
  return template.replace(router, `${filter}${router}`)
}

function serverIn(mode: string, catalog: string): PolicyFiles {
  const spec = `{ resource: "https://mcp.example.com/mcp", catalog: ${catalog}, mode: ${mode}, denial: hide }`
  const document = `kind: Server\nmetadata: { name: srv }\nspec: ${spec}\n`
  return { 'server.yaml': `apiVersion: mcp-authz.dev/v1alpha1\n${document}` }
}

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/g

/** All that a client can see, but for the date and for ids that are new every time. */
function comparable({ status, headers, body }: RawAnswer): unknown {
  const { date, ...others } = headers
  // The order of headers can be seen as well.
  return {
    status,
    order: Object.keys(headers),
    headers: { ...others, date: typeof date },
    body: body.replace(uuid, '(uuid)'),
  }
}
