import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Child, startChild } from '../../src/demo/child-process.js'
import { type ConnectedClient, connectV1 } from '../../src/demo/clients.js'
import { startEverythingServer } from '../../src/demo/everything-server.js'
import { findEnvoy } from '../../src/demo/find-envoy.js'
import { freePorts } from '../../src/demo/free-port.js'
import { type OpenIdProvider, startOpenIdProvider } from '../../src/demo/openid-provider.js'
import { packageRoot } from '../../src/package-root.js'
import { codeBlocks, readMarkdown } from '../docs/markdown.js'
import { eventually } from './support/eventually.js'
import { forThisEnvoy } from './support/needs-envoy.js'
import { runShown, type ShownCommand, ShownCommands, there } from './support/shown-commands.js'

const page = 'docs/init.md'
const shown = new ShownCommands(page)
const denial = codeBlocks(readMarkdown(page))
  .find(({ language }) => language === 'text')
  ?.text.trimEnd()

describe('docs/init.md, as it stands', () => {
  const work = mkdtempSync(join(tmpdir(), 'mcp-authz-init-'))
  const bin = join(work, 'bin')
  const guarded = join(work, 'guarded')
  const stops: (() => Promise<unknown>)[] = []
  const env = { PATH: `${bin}:${process.env.PATH}` }
  /** What the page calls it, and what it is here. */
  const places = new Map<string, string>()
  let idp: OpenIdProvider
  let client: ConnectedClient<unknown>
  let gateway = 0
  let readyPorts: { readonly http: number; readonly admin: number }

  const runs = (one: ShownCommand, cwd: string) => runShown(one, { cwd, env, places })

  async function starts({ command }: ShownCommand): Promise<Child> {
    const args = ['-c', `exec ${command}`]
    const child = await startChild({ name: command, command: 'bash', args, cwd: guarded, env })
    stops.push(() => child.stop())
    return child
  }

  beforeAll(async () => {
    const [listener = 0, grpc = 0, http = 0, admin = 0] = await freePorts(4)
    gateway = listener
    readyPorts = { http, admin }
    mkdirSync(bin)
    const program = join(bin, 'mcp-authz')
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(packageRoot, 'dist/cli/main.js')}' "$@"\n`)
    chmodSync(program, 0o755)
    const { path } = await findEnvoy({ announce: () => {} })
    if (path !== 'envoy') symlinkSync(path, join(bin, 'envoy'))
    const server = await startEverythingServer()
    stops.push(() => server.stop())
    const accounts = [{ username: 'alice', password: 'wonderland', groups: ['staff'], tenant: 'acme' }]
    idp = await startOpenIdProvider({ resource: 'https://mcp.example.com/mcp', accounts })
    stops.push(() => idp.stop())
    for (const [theirs, ours] of [
      ['127.0.0.1:3001', `127.0.0.1:${server.port}`],
      ['https://idp.example.com/realms/acme', idp.issuer],
      ['mcp-gateway', 'https://mcp.example.com/mcp'],
    ] as const)
      places.set(theirs, ours)
    ports = [
      ['8080', listener],
      ['9001', grpc],
      ['9002', http],
      ['9901', admin],
    ]
  })
  let ports: readonly (readonly [string, number])[] = []
  afterAll(async () => {
    await client?.close()
    for (const stop of stops.reverse()) await stop()
    rmSync(work, { recursive: true, force: true })
  })

  /** Tests run side by side, so that the ports of the page are not theirs. */
  function movePorts(): void {
    for (const name of readdirSync(guarded, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(?:yaml|md)$/.test(name)) continue
      const file = join(guarded, name)
      const text = readFileSync(file, 'utf8')
      const moved = ports.reduce(
        (all, [theirs, ours]) => all.replaceAll(new RegExp(`\\b${theirs}\\b`, 'g'), `${ours}`),
        text,
      )
      writeFileSync(file, moved)
    }
  }

  it('needs less than ten commands', () => {
    expect(shown.all.length).toBeLessThan(10)
  })

  it('writes, checks and tests', async () => {
    await runs(shown.next('mcp-authz init'), work)
    movePorts()
    expect(shown.next('cd').command).toBe('cd guarded')
    await runs(shown.next('mcp-authz check'), guarded)
    await runs(shown.next('mcp-authz test'), guarded)
  })

  it('starts, and lets everything through', async () => {
    const authz = await starts(shown.next('mcp-authz serve'))
    await authz.waitUntilReady(async () => (await fetch(`http://127.0.0.1:${readyPorts.http}/readyz`)).ok)
    const config = join(guarded, 'envoy.yaml')
    writeFileSync(config, forThisEnvoy(readFileSync(config, 'utf8')))
    const envoy = await starts({ ...shown.next('envoy'), command: 'envoy -c envoy.yaml --disable-hot-restart -l warn' })
    await envoy.waitUntilReady(async () => (await fetch(`http://127.0.0.1:${readyPorts.admin}/ready`)).ok)
    client = await eventually('a connection', async () =>
      connectV1({ url: `http://127.0.0.1:${gateway}/mcp`, token: await idp.login('alice') }),
    )
    for (const [tool, args] of [
      ['echo', { message: 'hello' }],
      ['toggle-simulated-logging', {}],
      ['echo', { message: 'x'.repeat(1001) }],
    ] as const)
      expect(await client.callTool(tool, args)).toMatchObject({ isError: false })
  })

  it('says what would be denied', async () => {
    const asked = shown.next('jq')
    const records = () => readFileSync(join(guarded, 'records.ndjson'), 'utf8')
    await eventually('the last record', () => records().includes('LongText'))
    const found = records()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
      .filter(record => record.would_deny !== undefined)
      .map(({ subject, mcp, would_deny }) => JSON.stringify([subject.user, mcp.target.name, would_deny[0].reason]))
    expect(found.join('\n')).toBe(asked.output)
    await runs(asked, guarded)
  })

  it('enforces', async () => {
    await runs(shown.next('sed'), guarded)
    await runs(shown.next('mcp-authz test'), guarded)
    const denied = await eventually('a denial', async () => {
      const answer = await client.callTool('echo', { message: 'x'.repeat(1001) })
      return answer.isError && answer
    })
    expect(there(denied.text, places)).toBe(denial)
    expect(await client.callTool('echo', { message: 'hello' })).toMatchObject({ isError: false })
    const kept = await client.callTool('toggle-simulated-logging')
    expect(kept).toMatchObject({ isError: true, text: expect.stringContaining('authorization.tool_refused') })
  })
})
