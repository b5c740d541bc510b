import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function cli(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await run(args, {
    out: text => void out.push(text),
    err: text => void err.push(text),
    env: {},
    signal: new AbortController().signal,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const broken = join(folder, 'broken')
const warned = join(folder, 'warned')
const server =
  'apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\nmetadata: { name: files }\nspec: { resource: "https://x.example.com/mcp" }\n'
const guardrail = (expression: string, servers: string) =>
  `apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: g }\nspec:\n  match: { servers: [${servers}] }\n  validations:\n  - expression: ${JSON.stringify(expression)}\n`

describe('the command line', () => {
  it.each<[string, string[], number, string]>([
    ['nothing', [], 1, 'Usage: mcp-authz COMMAND'],
    ['help', ['help'], 0, 'Exit codes'],
    ['help of a command', ['help', 'check'], 0, 'Usage: mcp-authz check'],
    ['--help of a command', ['explain', '--help'], 0, 'Usage: mcp-authz explain'],
    ['version', ['version'], 0, 'mcp-authz 0.'],
    ['--version', ['--version'], 0, 'mcp-authz 0.'],
    ['a misspelt command', ['chek'], 1, 'did you mean "check"?'],
    ['an unknown flag', ['check', '--polcies', 'x'], 1, 'See: mcp-authz check --help'],
    ['a setting that does not exist', ['check', '--set', 'htp.port=1'], 1, 'htp.port'],
    ['a setting without a value', ['check', '--set', 'http.port'], 1, 'PATH=VALUE'],
    ['a config file that does not exist', ['check', '--config', '/nonexistent.yaml'], 1, 'ENOENT'],
    ['a directory that does not exist', ['check', '/nonexistent'], 3, 'ENOENT'],
    ['the demo policies', ['check', 'policies/demo'], 0, '0 errors, 0 warnings'],
    ['the JSON Schema of the Config', ['check', '--schema'], 0, '"insecureLoopbackIssuers"'],
  ])('%s', async (_name, args, code, text) => {
    const result = await cli(...args)
    expect(`${result.out}\n${result.err}`).toContain(text)
    expect(result.code).toBe(code)
  })
})

describe('check', () => {
  it('says that it does not look at ConfigMaps of a cluster, and asks no cluster', async () => {
    const sources = [
      '--set',
      `sources.0.directory=${join(folder, 'absent.yaml')}`,
      '--set',
      'sources.1.configMaps.namespace=policies',
    ]
    const { err } = await cli('check', ...sources)
    expect(err).toContain('not looked at: the ConfigMaps of policies in the cluster local')
  })

  it('exits 3 for what does not compile, with place and suggestion', async () => {
    writeInto(broken, 'a.yaml', `${server}---\n${guardrail('usr.username == "x"', 'files')}`)
    const { code, out } = await cli('check', broken)
    expect(code).toBe(3)
    expect(out).toMatch(/a\.yaml:\d+:\d+: error: document 2, Guardrail\/g .*usr/)
    expect(out).toContain('did you mean')
  })

  it('exits 2 for warnings', async () => {
    writeInto(warned, 'a.yaml', `${server}---\n${guardrail('true', 'flies')}`)
    const { code, out } = await cli('check', warned)
    expect(out).toContain('no Server "flies"')
    expect(code).toBe(2)
  })

  it('lints expressions, which other commands do not', async () => {
    writeInto(warned, 'a.yaml', `${server}---\n${guardrail("user.name == 'x'", 'files')}`)
    const { code, out } = await cli('check', warned)
    expect(out).toMatch(
      /a\.yaml:12:\d+: warning: document 2, Guardrail\/g .*"name" \[unknown-member\]\n {4}there are: /,
    )
    expect(code).toBe(2)
    const json: unknown = JSON.parse((await cli('check', warned, '-o', 'json')).out)
    expect(json).toMatchObject({
      findings: [{ code: 'unknown-member', severity: 'warning', location: { document: 2 } }],
    })
    const explained = await cli('explain', '--policies', warned, '--tool', 'x')
    expect(`${explained.out}${explained.err}`).not.toContain('unknown-member')
  })

  it('prints findings as JSON', async () => {
    writeInto(warned, 'a.yaml', `${server}---\n${guardrail('true', 'flies')}`)
    const { out } = await cli('check', warned, '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({
      documents: 3 + 1,
      findings: [{ severity: 'warning', path: 'spec.match.servers[0]' }],
    })
  })
})

describe('check --envoy', () => {
  const shipped = 'envoy/ext-authz.yaml'
  const open = join(folder, 'open.yaml')
  const slow = join(folder, 'slow.yaml')
  writeFileSync(open, readFileSync(shipped, 'utf8').replace('failure_mode_allow: false', 'failure_mode_allow: true'))
  writeFileSync(slow, readFileSync(shipped, 'utf8').replace('timeout: 2s', 'timeout: 60s'))

  it.each<[string, string[], number, string]>([
    [
      'our own configuration',
      ['--envoy', shipped],
      0,
      '1 Envoy file, mcp-authz in 1 of 1 connection manager, 2 routes, 0 errors',
    ],
    ['an error', ['--envoy', open], 3, 'error: envoy.failure_mode_allow: failure_mode_allow is true: when'],
    ['what to write instead', ['--envoy', open], 3, '\n    write failure_mode_allow: false\n'],
    ['a warning', ['--envoy', slow], 2, 'warning: envoy.timeout'],
    ['several files', ['--envoy', slow, '--envoy', open], 3, '2 Envoy files'],
    ['no policies when it stands alone', ['--envoy', shipped], 0, '1 Envoy file'],
    ['policies too', ['policies/demo', '--envoy', shipped], 0, 'documents, 0 errors, 0 warnings, revision'],
    [
      'the limit of the listener',
      ['policies/demo', '--set', 'listeners.0.maxMessageBytes=1048576', '--envoy', shipped],
      2,
      'maxMessageBytes of mcp-authz is 1048576',
    ],
    ['a Server that does not exist', [broken, '--envoy', shipped], 2, 'there is no Server kubernetes'],
    ['a file that does not exist', ['--envoy', '/nonexistent.yaml'], 1, 'ENOENT'],
    ['a file that is no text', ['--envoy', process.execPath], 1, 'larger than 64 MiB'],
  ])('reports %s', async (_name, args, code, text) => {
    writeInto(broken, 'a.yaml', server)
    const result = await cli('check', ...args)
    expect(`${result.out}\n${result.err}`).toContain(text)
    expect(result.code).toBe(code)
  })

  it('prints codes and places as JSON', async () => {
    const { out, code } = await cli('check', '--envoy', open, '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({
      envoy: { managers: 1, checkedManagers: 1, routes: 2 },
      findings: [
        { code: 'envoy.failure_mode_allow', severity: 'error', location: { file: open, document: 1, column: 15 } },
      ],
    })
    expect(code).toBe(3)
  })

  it('takes no other encoding for UTF-8', async () => {
    const utf16 = join(folder, 'utf16.yaml')
    writeFileSync(utf16, Buffer.from('\ufeffstatic_resources: {}', 'utf16le'))
    expect(await cli('check', '--envoy', utf16)).toMatchObject({ code: 1, err: expect.stringContaining('not UTF-8') })
  })
})

describe('explain', () => {
  const args = (scale: number) =>
    JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale })
  const alice = ['--as', 'alice', '--as-group', 'team-a-developers', '--tenant', 'team-a']
  const explain = (...more: string[]) => cli('explain', '--policies', 'policies/demo', ...more)

  it('allows, exit code 0, and shows headers and rules', async () => {
    const { code, out } = await explain('--tool', 'resources_scale', '--args', args(3), ...alice)
    expect(code).toBe(0)
    expect(out).toContain('ALLOWED')
    expect(out).toMatch(/ok +guardrails +Guardrail\/replica-cap/)
    expect(out).toContain('header  x-mcp-authz-user: alice')
  })

  it('denies, exit code 2, and says by what', async () => {
    const { code, out } = await explain('--tool', 'resources_scale', '--args', args(10), ...alice)
    expect(code).toBe(2)
    expect(out).toContain('DENIED by guardrail.violated (Guardrail/replica-cap)')
    expect(out).toMatch(/FAIL +guardrails +Guardrail\/replica-cap +at most 5 replicas; you asked for 10/)
  })

  it('explains as JSON', async () => {
    const { out } = await explain(
      '--tool',
      'pods_delete',
      '--args',
      '{"namespace":"team-a","name":"x"}',
      ...alice,
      '--agent',
      'demo:sre-agent',
      '-o',
      'json',
    )
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'deny',
      failure: { policy: 'Guardrail/agents-do-not-delete', policyReason: 'PeopleOnly' },
    })
  })

  it('judges the bytes of a file, not what they look like as text', async () => {
    const file = join(folder, 'message.json')
    const message = (name: string) =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pods_list_in_namespace","arguments":{"namespace":"team-a","${name}":""}}}`
    writeFileSync(file, message('labelSelector'))
    expect((await explain('--request', file, ...alice)).code).toBe(0)
    writeFileSync(file, Buffer.from(message('labelSelector').replace('""', '"\xff"'), 'latin1'))
    const { code, out } = await explain('--request', file, ...alice)
    expect([code, out]).toEqual([2, expect.stringContaining('DENIED by message.encoding')])
  })

  it('judges a request without a token', async () => {
    const { code, out } = await explain('--method', 'tools/list')
    expect(code).toBe(2)
    expect(out).toContain('identity.token_missing')
  })

  it.each<[string, string[], string]>([
    ['no call', [...alice], 'exactly one of --tool, --method and --request'],
    ['two calls', ['--tool', 'x', '--method', 'y'], 'exactly one of'],
    ['arguments that are not JSON', ['--tool', 'x', '--args', '{'], '--args is not JSON'],
    ['arguments that are no object', ['--tool', 'x', '--args', '[]'], '--args is not a JSON object'],
    ['a Server that does not exist', ['--tool', 'x', '--server', 'nope'], 'there are: kubernetes'],
    ['an agent without alias', ['--tool', 'x', '--as', 'a', '--agent', 'b'], '--agent is ALIAS:ID'],
  ])('refuses %s', async (_name, more, text) => {
    const { code, err } = await explain(...more)
    expect(err).toContain(text)
    expect(code).toBe(1)
  })

  it('exits 3 with policies that do not compile', async () => {
    writeInto(broken, 'a.yaml', `${server}---\n${guardrail('nope', 'files')}`)
    expect((await cli('explain', '--policies', broken, '--tool', 'x')).code).toBe(3)
  })
})

describe('explain --list', () => {
  const alice = ['--as', 'alice', '--as-group', 'team-a-developers']
  const list = (...more: string[]) => cli('explain', '--policies', 'policies/demo', '--list', ...more)
  const items = join(folder, 'items.json')

  it('says of each tool and prompt of the catalogue why it is shown or hidden', async () => {
    const { code, out } = await list(...alice)
    expect(code).toBe(0)
    expect(out).toMatch(/^shown {3}pods_get$/m)
    expect(out).toMatch(/^hidden {2}namespaces_list +authorization\.rbac$/m)
    expect(out).toContain('NO    user "alice" cannot list resource "namespaces"')
    expect(out).toContain('Guardrail/replica-cap  depends on replicas')
    expect(out).toMatch(/^\d+ of \d+ shown, policy revision [0-9a-f]{16}$/m)
  })

  it('takes the items of a server, and prints JSON', async () => {
    writeFileSync(items, '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"pods_get"},{"name":"no such tool"}]}}')
    const { out } = await list('--items', items, '-o', 'json', ...alice)
    const printed: unknown = JSON.parse(out)
    expect(printed).toMatchObject({
      items: [
        { kind: 'tool', name: 'pods_get', shown: true },
        { name: 'no such tool', shown: false, why: { reason: 'message.name' } },
      ],
    })
  })

  it.each<[string, string[], string]>([
    ['a call beside it', ['--tool', 'x', ...alice], '--list judges no call'],
    ['another kind', ['--kind', 'toys', ...alice], '--kind is one of tools'],
    ['a kind that no catalogue names', ['--kind', 'resources', ...alice], 'give them with --items'],
    ['nobody who asks', [], 'nobody is shown a list'],
    ['items of another kind', ['--items', items, '--kind', 'prompts', ...alice], '--items holds no prompts'],
  ])('refuses %s', async (_, args, text) => {
    const { code, err } = await list(...args)
    expect(err).toContain(text)
    expect(code).toBe(1)
  })

  it('goes with --kind and --items', async () => {
    expect((await cli('explain', '--kind', 'tools')).err).toContain('--kind and --items go with --list')
  })
})

function writeInto(directory: string, name: string, text: string): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  writeFileSync(join(directory, name), text)
}
