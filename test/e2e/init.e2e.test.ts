import { execFile } from 'node:child_process'
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
import { packageRoot } from '../../src/demo/package-root.js'
import { codeBlocks, readMarkdown } from '../docs/markdown.js'
import { eventually } from './support/eventually.js'

/** A command of docs/init.md, and what it prints there. */
interface Shown {
  readonly command: string
  readonly output: string
}

const blocks = codeBlocks(readMarkdown('docs/init.md'))
const shown = blocks.filter(({ language }) => language === 'console').flatMap(({ text }) => commandsIn(text))
const denial = blocks.find(({ language }) => language === 'text')?.text.trimEnd()

function commandsIn(text: string): readonly Shown[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map(part => {
      const end = part.indexOf('\n')
      return { command: part.slice(0, end), output: part.slice(end + 1).trimEnd() }
    })
}

/** Each command of the page is run once, in the order of the page. */
const next = (() => {
  let at = 0
  return (beginning: string): Shown => {
    const one = shown[at++]
    if (one?.command.startsWith(beginning) !== true)
      throw new Error(`docs/init.md: ${one?.command} is not ${beginning}`)
    return one
  }
})()

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

  const here = (text: string) => [...places].reduce((all, [theirs, ours]) => all.replaceAll(theirs, ours), text)
  const there = (text: string) =>
    [...places]
      .reduce((all, [theirs, ours]) => all.replaceAll(ours, theirs), text)
      .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '6f1c0a52-3c1e-4b0e-9a57-0d7c2f9b8e41')
      .replaceAll(/revision [0-9a-f]{16}/g, 'revision 1f0e9d8c7b6a5948')

  /** Runs a command to its end; what it prints must be what the page shows. */
  async function runs({ command, output }: Shown, cwd: string): Promise<void> {
    const came = await new Promise<string>((resolve, reject) => {
      execFile('bash', ['-c', here(command)], { cwd, env: { ...process.env, ...env } }, (error, out, err) => {
        if (error !== null) reject(new Error(`${command}: ${out}${err}`))
        else resolve(out + err)
      })
    })
    expect(there(came).trimEnd()).toBe(output)
  }

  async function starts({ command }: Shown): Promise<Child> {
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
    expect(shown.length).toBeLessThan(10)
  })

  it('writes, checks and tests', async () => {
    await runs(next('mcp-authz init'), work)
    movePorts()
    expect(next('cd').command).toBe('cd guarded')
    await runs(next('mcp-authz check'), guarded)
    await runs(next('mcp-authz test'), guarded)
  })

  it('starts, and lets everything through', async () => {
    const authz = await starts(next('mcp-authz serve'))
    await authz.waitUntilReady(async () => (await fetch(`http://127.0.0.1:${readyPorts.http}/readyz`)).ok)
    const envoy = await starts({ ...next('envoy'), command: 'envoy -c envoy.yaml --disable-hot-restart -l warn' })
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
    const asked = next('jq')
    const records = () => readFileSync(join(guarded, 'records.ndjson'), 'utf8')
    await eventually('the last record', () => records().includes('LongText'))
    const hasJq = await new Promise<boolean>(resolve => {
      execFile('jq', ['--version'], error => resolve(error === null))
    })
    const found = records()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
      .filter(record => record.would_deny !== undefined)
      .map(({ subject, mcp, would_deny }) => JSON.stringify([subject.user, mcp.target.name, would_deny[0].reason]))
    expect(found.join('\n')).toBe(asked.output)
    if (hasJq) await runs(asked, guarded)
  })

  it('enforces', async () => {
    await runs(next('sed'), guarded)
    await runs(next('mcp-authz test'), guarded)
    const denied = await eventually('a denial', async () => {
      const answer = await client.callTool('echo', { message: 'x'.repeat(1001) })
      return answer.isError && answer
    })
    expect(there(denied.text)).toBe(denial)
    expect(await client.callTool('echo', { message: 'hello' })).toMatchObject({ isError: false })
    const kept = await client.callTool('toggle-simulated-logging')
    expect(kept).toMatchObject({ isError: true, text: expect.stringContaining('authorization.tool_refused') })
  })
})
