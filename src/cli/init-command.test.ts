import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { rbacMetaKey } from '../rbac/tool-digest.js'
import { initCommand } from './init-command.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-init-'))
let count = 0
const fresh = () => join(folder, `start-${count++}`)
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const text = (directory: string, name: string) => readFileSync(join(directory, name), 'utf8')

async function init(...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const io = { env: { MCP_AUTHZ_LOG_LEVEL: 'nonsense' }, signal: new AbortController().signal }
  const code = await initCommand
    .run(args, { ...io, out: line => void out.push(line), err: line => void err.push(line) })
    .catch((error: unknown) => {
      err.push(error instanceof Error ? error.message : String(error))
      return 1
    })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const issuer = ['--issuer', 'https://idp.example.com/realms/acme', '--audience', 'mcp-gateway']
const reads = { readOnlyHint: true }
const tools = [
  {
    name: 'list_files',
    description: 'Lists files',
    annotations: reads,
    inputSchema: {
      type: 'object',
      properties: { folder: { type: 'string' }, depth: { type: 'integer' }, sort: { enum: ['name', 'size'] } },
      required: ['depth', 'sort'],
    },
  },
  { name: 'write_file', inputSchema: { type: 'object' } },
  { name: 'delete_file', annotations: { ...reads, destructiveHint: true }, inputSchema: { type: 'object' } },
  { name: 'read_secret', annotations: reads, inputSchema: { type: 'object' } },
  { name: 'run_shell', annotations: reads, inputSchema: { type: 'object' } },
  {
    name: 'pods_everywhere',
    annotations: reads,
    inputSchema: { type: 'object' },
    _meta: { [rbacMetaKey]: { version: 'v1alpha1', none: {} } },
  },
]
const prompts = [{ name: 'summary', arguments: [{ name: 'path', required: true }] }]
const listed = file('tools.json', JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools, prompts } }))

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const { id, method } = JSON.parse(Buffer.concat(chunks).toString())
    const info = { 'io.modelcontextprotocol/serverInfo': { name: 'acme/Files  & more', version: '1' } }
    const found = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, _meta: info }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'server/discover' ? found : { tools } }))
  })
})
let url = ''
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/mcp` : ''
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
  rmSync(folder, { recursive: true })
})

describe('mcp-authz init', () => {
  it('writes what compiles and passes its tests', async () => {
    const to = fresh()
    const { code, out, err } = await init(to, '--server-url', url, ...issuer, '--group', 'staff')
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toContain('7 documents, 0 errors, 0 warnings')
    expect(out).toMatch(/\d+ passed, 0 failed$/)
    expect(readdirSync(to, { recursive: true, encoding: 'utf8' }).sort()).toEqual([
      'README.md',
      'config.yaml',
      'envoy.yaml',
      'policies',
      'policies/catalog.yaml',
      'policies/files-more_test.yaml',
      'policies/grants.yaml',
      'policies/guardrails.yaml',
      'policies/server.yaml',
    ])
    const [, { spec }] = parseAllDocuments(text(to, 'policies/server.yaml')).map(one => one.toJS())
    expect(spec).toMatchObject({ resource: 'http://127.0.0.1:8080/mcp', mode: 'Audit', require: ['grants'] })
    expect(JSON.stringify(parse(text(to, 'envoy.yaml')))).toContain(`"port_value":${new URL(url).port}`)
  })

  it('gives only what reads, to the groups only, and says of the rest why', async () => {
    const to = fresh()
    const args = [...issuer, '--group', 'staff', '--group', 'on-call', '--name', 'files', '-o', 'json']
    const { code, out } = await init(to, '--tools', listed, ...args)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      version: 'mcp-authz.dev/init-report/v1',
      server: 'files',
      files: expect.arrayContaining([join(to, 'policies/files_test.yaml')]),
      given: ['list_files'],
      refused: [
        { name: 'write_file', why: 'drafted as write' },
        { name: 'delete_file', why: expect.stringContaining('deleting') },
        { name: 'read_secret', why: expect.stringContaining('secrets') },
        { name: 'run_shell', why: expect.stringContaining('commands') },
        { name: 'pods_everywhere', why: expect.stringContaining('RBAC') },
      ],
      prompts: ['summary'],
      leftOut: [],
      checked: true,
    })
    const { match } = parse(text(to, 'policies/grants.yaml')).spec
    expect(match).toEqual({
      servers: ['files'],
      subjects: [
        { kind: 'Group', name: 'staff' },
        { kind: 'Group', name: 'on-call' },
      ],
      tools: ['list_files'],
    })
    const entries = parse(text(to, 'policies/catalog.yaml')).spec
    expect(entries.tools.list_files).not.toHaveProperty('refuse')
    expect(entries.tools.list_files).toMatchObject({ access: 'read', operations: 'none', digest: expect.any(String) })
    for (const other of ['write_file', 'delete_file', 'read_secret', 'run_shell', 'pods_everywhere'])
      expect(entries.tools[other]).toHaveProperty('refuse')
    expect(entries.prompts.summary).toHaveProperty('refuse')
    const { calls } = parse(text(to, 'policies/files_test.yaml')).spec
    expect(calls.list_files.arguments).toEqual({ depth: 1, sort: 'name' })
    expect(calls['a long text'].arguments.folder.length).toBeGreaterThan(1000)
  })

  it('holds when everything enforces, with what stood in "would" as what is expected', async () => {
    const to = fresh()
    expect(await init(to, '--tools', listed, ...issuer, '--group', 'staff', '--name', 'files')).toMatchObject({
      code: 0,
    })
    for (const name of ['server.yaml', 'guardrails.yaml', 'files_test.yaml']) {
      const changed = text(to, `policies/${name}`)
        .replaceAll('mode: Audit', 'mode: Enforce')
        .replaceAll(/decision: allow, would: \{ (.*) \} \}/g, '$1 }')
      expect(changed).not.toBe(text(to, `policies/${name}`))
      writeFileSync(join(to, 'policies', name), changed)
    }
    const { testCommand } = await import('./test-command.js')
    const lines: string[] = []
    const io = {
      out: (line: string) => void lines.push(line),
      err: () => {},
      env: {},
      signal: new AbortController().signal,
    }
    const code = await testCommand.run(['--config', join(to, 'config.yaml')], io)
    expect(lines.join('\n')).toMatch(/^\d+ passed, 0 failed$/)
    expect(code).toBe(0)
  })

  it.each<[string, string[], string]>([
    ['for everybody who signs in', [], 'system:authenticated'],
    [
      'with names that need quotes',
      ['--group', 'a }: # "b" \\', '--username-claim', 'x: y', '--groups-claim', '#'],
      '#',
    ],
    ['for a name of digits', ['--name', '12345', '--group', 'null'], '"12345"'],
    [
      'for another address',
      ['--resource', 'https://mcp.example.com/mcp', '--listen', '[::]:443'],
      'https://mcp.example.com/mcp',
    ],
    ['for an issuer on this machine', ['--issuer', 'http://127.0.0.1:9/x'], 'insecureLoopbackIssuers'],
    [
      'for a server elsewhere',
      ['--server-url', 'https://files.example.com/mcp'],
      'host_rewrite_literal: files.example.com',
    ],
    ['for a server at an address', ['--server-url', 'https://192.0.2.1:8443/'], 'san_type: IP_ADDRESS'],
    ['for a server in IPv6', ['--server-url', 'http://[::1]:8000/deep/mcp'], '/deep/mcp'],
  ])('is right %s', async (_, args, holds) => {
    const to = fresh()
    const { code, err, out } = await init(to, '--tools', listed, ...issuer, ...args)
    expect({ code, err, out }).toMatchObject({ code: 0, err: '' })
    const files = readdirSync(to, { recursive: true, encoding: 'utf8' }).filter(name => /\.yaml$/.test(name))
    expect(files.map(name => text(to, name)).join('\n')).toContain(holds)
  })

  it('believes a shipped catalogue more than the server', async () => {
    const to = fresh()
    const known = ['configuration_view', 'pods_list', 'namespaces_list', 'helm_list']
    const list = file('kube.json', JSON.stringify(known.map(name => ({ name, annotations: reads, inputSchema: {} }))))
    const { code, out, err } = await init(
      to,
      '--tools',
      list,
      ...issuer,
      '--name',
      'kubernetes-mcp-server',
      '-o',
      'json',
    )
    expect(err).toContain('a reviewed catalogue for this server is shipped: kubernetes-mcp-server')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ given: [], checked: true })
    expect(parse(text(to, 'policies/catalog.yaml')).metadata.name).toBe('kubernetes-mcp-server-drafted')
    expect(text(to, 'README.md')).toContain('`require: [operations]`')
  })

  it('touches nothing that exists', async () => {
    const to = fresh()
    mkdirSync(join(to, 'policies'), { recursive: true })
    writeFileSync(join(to, 'notes.txt'), 'mine')
    symlinkSync('nowhere', join(to, 'envoy.yaml'))
    writeFileSync(join(to, 'policies', 'grants.yaml'), 'mine')
    const { code, err } = await init(to, '--tools', listed, ...issuer)
    expect(code).toBe(1)
    expect(err).toContain(`${to}/envoy.yaml\n  ${to}/policies/grants.yaml`)
    expect(readdirSync(to, { recursive: true, encoding: 'utf8' }).sort()).toEqual(
      ['envoy.yaml', 'notes.txt', 'policies', 'policies/grants.yaml'].sort(),
    )
  })

  const given = ['--tools', listed, ...issuer]
  it.each<[string, string[], string]>([
    ['no directory', given, 'name one directory'],
    ['no server', ['x', ...issuer], '--server-url URL, or what it lists with --tools'],
    ['no issuer', ['x', '--tools', listed, '--audience', 'a'], '--issuer URL'],
    ['no audience', ['x', '--tools', listed, '--issuer', 'https://a.example'], '--audience'],
    ['an issuer over http', ['x', ...given, '--issuer', 'http://idp.example.com'], '--issuer must begin with https://'],
    ['an issuer with a query', ['x', ...given, '--issuer', 'https://idp.example.com/?a=b'], 'neither query'],
    ['an audience of two words', ['x', ...given, '--audience', 'a b'], '--audience is visible ASCII'],
    ['a group of two lines', ['x', ...given, '--group', 'a\nb'], 'on one line'],
    ['a group that is a pattern', ['x', ...given, '--group', '*'], '--group is one group'],
    ['a group of Kubernetes itself', ['x', ...given, '--group', 'system:masters'], 'system:'],
    ['a name that is none', ['x', ...given, '--name', '../../etc'], '--name is a DNS label'],
    ['a claim of two lines', ['x', ...given, '--username-claim', 'a\nb'], 'one line'],
    ['an address that nobody can use', ['x', ...given, '--listen', '0.0.0.0:80'], '--resource URL'],
    ['a port that is none', ['x', ...given, '--listen', '127.0.0.1:99999'], '--listen is HOST:PORT'],
    ['a resource that is none', ['x', ...given, '--resource', 'https://a.example/x/?y'], '--resource'],
    [
      'other paths',
      ['x', ...given, '--server-url', 'https://a.example/a', '--resource', 'https://b.example/b'],
      'rewrites no paths',
    ],
    ['another format', ['x', ...given, '-o', 'yaml'], '--output is text or json'],
    ['a server that is away', ['x', ...issuer, '--server-url', 'http://127.0.0.1:1/mcp'], 'http://127.0.0.1:1/mcp'],
    ['plain http elsewhere', ['x', ...issuer, '--server-url', 'http://a.example/mcp'], '--insecure-http'],
    ['no JSON', ['x', ...issuer, '--tools', file('no.json', '{"tools":[')], 'is not JSON as servers send it'],
    ['no list', ['x', ...issuer, '--tools', file('none.json', '{"items":[]}')], '{"tools":[…]}'],
    ['an empty list', ['x', ...issuer, '--tools', file('empty.json', '[]')], 'neither tools nor prompts'],
    [
      'one page of several',
      ['x', ...issuer, '--tools', file('page.json', '{"tools":[],"nextCursor":"2"}')],
      'one page of several',
    ],
    ['a tool without a name', ['x', ...issuer, '--tools', file('bad.json', '[{}]')], 'no name at tools[0]'],
    ['a tool twice', ['x', ...issuer, '--tools', file('twice.json', '[{"name":"a"},{"name":"a"}]')], 'at tools[1]'],
  ])('writes nothing for %s', async (_, args, message) => {
    const before = readdirSync(folder).length
    const { code, err } = await init(...args.map(one => (one === 'x' ? join(folder, 'x') : one)))
    expect(err).toContain(message)
    expect(code).toBe(1)
    expect(readdirSync(folder)).toHaveLength(before)
  })

  it('runs the examples of its help', async () => {
    const examples = initCommand.help.slice(initCommand.help.indexOf('Examples:')).replaceAll('\\\n', ' ')
    const commands = examples.match(/mcp-authz init .*/g) ?? []
    expect(commands).toHaveLength(2)
    for (const command of commands) {
      const places = new Map([
        ['guarded', fresh()],
        ['http://127.0.0.1:3001/mcp', url],
        ['tools.json', listed],
      ])
      const words = command.split(/\s+/).slice(2)
      expect(await init(...words.map(word => places.get(word) ?? word))).toMatchObject({ code: 0 })
    }
  })

  it('makes of whatever a server says something that compiles and passes', async () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('a: b', '# c', '"', "'", '- x', '}', '{', '\u2028', '*a', '&a', '---\nkind: Grant', '\u001b[2J'),
    )
    const schema = fc.dictionary(
      anyText.filter(name => name !== '__proto__'),
      fc.record(
        { type: fc.constantFrom('string', 'number', 'array', 'object', 'boolean', 'null'), enum: fc.array(anyText) },
        { requiredKeys: [] },
      ),
      { maxKeys: 4, noNullPrototype: true },
    )
    const tool = fc
      .record({
        name: fc.oneof(
          anyText,
          fc.stringMatching(/^[A-Za-z0-9_./-]{1,40}$/),
          fc.constantFrom('true', '1e3', '-', 'null', 'x.y'),
        ),
        description: anyText,
        readOnlyHint: fc.boolean(),
        properties: schema,
      })
      .map(({ name, description, readOnlyHint, properties }) => ({
        ...{ name, description, annotations: { readOnlyHint } },
        inputSchema: { type: 'object', properties, required: Object.keys(properties) },
      }))
    const lists = fc.uniqueArray(tool, { minLength: 1, maxLength: 6, selector: ({ name }) => name })
    const property = fc.asyncProperty(lists, async list => {
      const to = fresh()
      const { code, out, err } = await init(
        to,
        '--tools',
        file('any.json', JSON.stringify(list)),
        ...issuer,
        '-o',
        'json',
      )
      // What no message may hold either, and what no call may name.
      if (/is not JSON as servers send it|a catalogue cannot hold any of it/.test(err)) {
        expect(readdirSync(folder)).not.toContain(basename(to))
        return
      }
      expect({ code, err, out }).toMatchObject({ code: 0 })
      const { given } = JSON.parse(out)
      const hinted = list.filter(({ annotations }) => annotations.readOnlyHint).map(({ name }) => name)
      expect(hinted).toEqual(expect.arrayContaining(given))
      const [grant] = parseAllDocuments(text(to, 'policies/grants.yaml')).map(one => one.toJS())
      expect(grant?.spec.match.tools ?? []).toEqual(given)
    })
    await fc.assert(property, { numRuns: 15 })
  })
})
