import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { packageRoot } from '../../src/package-root.js'
import { errorOf } from './support/answers.js'
import { everythingPolicies } from './support/everything-policies.js'
import { initialize, request } from './support/messages.js'
import { type Stand, type StandOptions, startStand } from './support/stand.js'

const origin = 'https://agent.example.com'
const metadataPath = '/.well-known/oauth-protected-resource/mcp'
const preflight = {
  origin,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
}
const options: StandOptions = { upstream: 'everything', serverName: 'everything', policies: everythingPolicies }

let stand: Stand
let alice: string
async function start(more: StandOptions = {}): Promise<void> {
  stand = await startStand({ ...options, ...more })
  alice = await stand.idp.login('alice')
}
const ask = (method: string, headers: Record<string, string>, body = '', url = stand.url): Promise<RawAnswer> =>
  rawPost({ url, method, headers, body })
const authorization = (): Record<string, string> => ({ authorization: `Bearer ${alice}` })

describe('a gateway without a CORS policy', () => {
  beforeAll(() => start())
  afterAll(() => stand?.stop())
  beforeEach(() => stand.proxy.forget())

  it('leaves the preflight to the server, which gets nothing of ours', async () => {
    const answer = await ask('OPTIONS', { ...preflight, ...authorization(), 'x-mcp-authz-user': 'root' })
    expect(answer.status).toBe(204)
    expect(answer.headers['access-control-allow-origin']).toBe('*')
    const { headers = {} } = stand.proxy.last() ?? {}
    expect(headers).not.toHaveProperty('authorization')
    expect(headers).not.toHaveProperty('x-mcp-authz-user')
  })

  it('lets a page read where to log in', async () => {
    const answer = await ask('POST', { origin }, initialize)
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer /)
    expect(answer.headers['access-control-allow-origin']).toBe('*')
    expect(answer.headers['access-control-expose-headers']).toContain('WWW-Authenticate')
  })

  it('lets a page read the metadata, by GET and by HEAD', async () => {
    const url = new URL(metadataPath, stand.url).href
    const asked = await ask('OPTIONS', { origin, 'access-control-request-method': 'GET' }, '', url)
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, '*'])
    const got = await ask('GET', { origin }, '', url)
    expect([got.status, got.headers['access-control-allow-origin']]).toEqual([200, '*'])
    const head = await ask('HEAD', { origin }, '', url)
    expect([head.status, head.body, head.headers['content-type']]).toEqual([200, '', 'application/json'])
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(got.body)))
    expect(stand.proxy.count()).toBe(0)
  })

  it('does not take OPTIONS for a way around the token', async () => {
    const { status, body } = await ask('OPTIONS', { origin })
    expect([status, JSON.parse(body).error.data.reason]).toEqual([405, 'framing.http_method'])
    expect(stand.proxy.count()).toBe(0)
  })
})

describe('a gateway with the CORS policy of docs/envoy.md', () => {
  beforeAll(() => start({ adaptEnvoy: withCors }))
  afterAll(() => stand?.stop())
  beforeEach(() => stand.proxy.forget())

  it('answers the preflight itself', async () => {
    const answer = await ask('OPTIONS', preflight)
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBe(origin)
    expect(answer.headers['access-control-allow-headers']).toContain('mcp-protocol-version')
    expect(stand.proxy.count()).toBe(0)
  })

  it.each<[string, () => Promise<RawAnswer>, number]>([
    ['the server', () => ask('POST', { origin, ...authorization() }, initialize), 200],
    ['a challenge', () => ask('POST', { origin }, initialize), 401],
    ['a denial', () => ask('POST', { origin, ...authorization() }, request('prompts/get', { name: 'x' })), 200],
  ])('says the same of an answer from %s', async (_, answering, status) => {
    const answer = await answering()
    expect(answer.status).toBe(status)
    // One value: a browser refuses two.
    expect(answer.headers['access-control-allow-origin']).toBe(origin)
    expect(answer.headers['access-control-expose-headers']).toContain('www-authenticate')
  })

  it('leaves the metadata to everybody: Envoy applies no policy to a direct response', async () => {
    const answer = await ask('GET', { origin }, '', new URL(metadataPath, stand.url).href)
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, '*'])
  })

  it('leaves a denial to a page of elsewhere as it was', async () => {
    const answer = await ask('POST', { origin: 'https://elsewhere.example.com' }, initialize)
    expect(errorOf(answer).data.reason).toBe('identity.token_missing')
    expect(answer.headers['access-control-allow-origin']).toBe('*')
  })
})

/** Puts the two blocks of docs/envoy.md where it says. */
function withCors(template: string): string {
  const docs = readFileSync(join(packageRoot, 'docs', 'envoy.md'), 'utf8')
  const blocks = [...docs.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  const filter = blocks.find(block => block.startsWith('- name: envoy.filters.http.cors'))
  const policy = blocks.find(block => block.includes('CorsPolicy'))
  if (filter === undefined || policy === undefined) throw new Error('docs/envoy.md shows no CORS policy')
  const indented = (block: string, spaces: number): string => block.replaceAll(/^(?=.)/gm, ' '.repeat(spaces))
  const host = '              domains: ["*"]\n'
  const filters = '          http_filters:\n'
  for (const part of [host, filters])
    if (template.split(part).length !== 2) throw new Error(`envoy/ext-authz.yaml: ${part}`)
  return template.replace(host, `${host}${indented(policy, 14)}`).replace(filters, `${filters}${indented(filter, 10)}`)
}
