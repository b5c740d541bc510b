import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpointOf, shownUrl } from './catalog-endpoint.js'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-catalog-'))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** What the server lists; tests change it. */
let tools: object[] = []
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const { id, method } = JSON.parse(Buffer.concat(chunks).toString())
    if (request.headers.authorization !== 'Bearer s3cret') return void response.writeHead(401).end()
    const result =
      method === 'server/discover' ? { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } : { tools }
    response.writeHead(200, { 'content-type': 'application/json' })
    return void response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })
})
let url = ''
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/mcp?key=hidden` : ''
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
  rmSync(folder, { recursive: true })
})

async function cli(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const io = { env: {}, signal: new AbortController().signal }
  const code = await run(['catalog', ...args], {
    ...io,
    out: text => void out.push(text),
    err: text => void err.push(text),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('mcp-authz catalog', () => {
  it('drafts, finds no difference, then one', async () => {
    const token = ['--token-file', file('token', 's3cret\n')]
    const draft = join(folder, 'draft.yaml')
    tools = [{ name: 'a', description: 'one', inputSchema: { type: 'object' } }]
    const drafted = await cli('import', url, ...token, '-o', draft, '--name', 'mine')
    expect(drafted).toMatchObject({ code: 0, out: '' })
    const text = readFileSync(draft, 'utf8')
    expect(text).toContain('name: mine')
    expect(text).not.toMatch(/s3cret|hidden/)

    expect(await cli('diff', url, ...token, '--catalog', draft)).toMatchObject({
      code: 0,
      out: '1 tool, 0 prompts: 0 differences, 0 not pinned',
    })
    tools = [{ name: 'a', description: 'two', inputSchema: { type: 'object' } }]
    const changed = await cli('diff', url, ...token, '--catalog', draft, '--output', 'json')
    expect(changed.code).toBe(2)
    expect(JSON.parse(changed.out)).toMatchObject({
      catalog: 'mine',
      drift: [{ kind: 'changed', name: 'a' }],
      unpinned: 0,
    })
    tools = []
    expect((await cli('diff', url, ...token, '--catalog', draft)).code).toBe(2)
    expect((await cli('diff', url, ...token, '--catalog', draft, '--allow-missing')).code).toBe(0)
    // What somebody has reviewed is not replaced.
    expect(await cli('import', url, ...token, '-o', draft)).toMatchObject({
      code: 1,
      err: expect.stringContaining('exists'),
    })
  })

  it.each<[string, (() => string)[], number, string]>([
    ['no action', [], 1, 'say what to do'],
    ['no URL', [() => 'import'], 1, 'give the URL'],
    ['no URL that it is one', [() => 'import', () => 'localhost'], 1, 'not a URL'],
    ['plain http', [() => 'import', () => 'http://mcp.example.com/mcp'], 1, '--insecure-http'],
    ['credentials in the URL', [() => 'import', () => 'https://u:p@mcp.example.com/'], 1, '--token-file'],
    ['another scheme', [() => 'import', () => 'ftp://mcp.example.com/'], 1, 'neither https nor http'],
    ['no token', [() => 'import', () => url], 1, '--token-file'],
    ['no catalogue', [() => 'diff', () => url], 1, '--catalog'],
    ['an unknown catalogue', [() => 'diff', () => url, () => '--catalog', () => 'nosuch'], 1, 'no shipped catalogue'],
    ['a path as its name', [() => 'diff', () => url, () => '--catalog', () => '../x'], 1, 'no shipped catalogue'],
    [
      'a catalogue that does not compile',
      [() => 'diff', () => url, () => '--catalog', () => file('broken.yaml', 'kind: ToolCatalog\n')],
      3,
      'apiVersion',
    ],
  ])('%s', async (_name, args, code, text) => {
    const result = await cli(...args.map(one => one()))
    expect(result.err).toContain(text)
    expect(result.err).not.toContain('hidden')
    expect(result.code).toBe(code)
  })
})

describe('endpointOf', () => {
  it('takes headers from a file', () => {
    const headers = file('headers', 'X-Api-Key: k 1\r\nAuthorization: Basic abc\n')
    expect(endpointOf('https://mcp.example.com/mcp#x', { 'header-file': headers })).toEqual({
      url: 'https://mcp.example.com/mcp',
      headers: { 'x-api-key': 'k 1', authorization: 'Basic abc' },
      certificateAuthority: undefined,
    })
  })
  it.each(['no colon', 'Host: x', 'Mcp-Session-Id: x', 'Content-Length: 5', 'X: a\u0000b', 'X: é', ': x'])(
    'refuses the header line %j',
    line => {
      expect(() => endpointOf('https://mcp.example.com/', { 'header-file': file('bad', `${line}\n`) })).toThrow()
    },
  )
  it.each(['', 'a b', 'a\nb', 'é'])('refuses the token %j', token => {
    expect(() => endpointOf('https://mcp.example.com/', { 'token-file': file('bad', token) })).toThrow('a token')
  })
  it.each(['http://localhost:1/', 'http://127.0.0.1/', 'http://[::1]:1/'])('takes %s', text => {
    expect(endpointOf(text, {}).url).toBe(text)
  })
  it.each(['http://127.0.0.1.example.com/', 'http://localhost.example.com/', 'http://10.0.0.1/'])(
    'refuses %s',
    text => {
      expect(() => endpointOf(text, {})).toThrow('--insecure-http')
      expect(endpointOf(text, { 'insecure-http': true }).url).toBe(text)
    },
  )
  it('shows no query', () => {
    expect(shownUrl(endpointOf('https://mcp.example.com/mcp?key=x', {}))).toBe('https://mcp.example.com/mcp')
  })
})
