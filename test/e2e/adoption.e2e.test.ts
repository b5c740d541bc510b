import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChild } from '../../src/demo/child-process.js'
import { type ConnectedClient, connectV1, connectV2, type ToolAnswer } from '../../src/demo/clients.js'
import { renderEnvoyConfig } from '../../src/demo/envoy-config.js'
import { findEnvoy } from '../../src/demo/find-envoy.js'
import { freePorts } from '../../src/demo/free-port.js'
import { startKubernetesMcpServer } from '../../src/demo/kubernetes-mcp-server.js'
import { type OpenIdProvider, startOpenIdProvider } from '../../src/demo/openid-provider.js'
import { type SimulatedCluster, startSimulatedCluster } from '../../src/demo/simulated-cluster.js'
import { startEnvoy } from '../../src/demo/start-envoy.js'
import { packageRoot } from '../../src/package-root.js'
import { codeBlocks, readMarkdown } from '../docs/markdown.js'
import { eventually } from './support/eventually.js'
import { runShown, ShownCommands, there } from './support/shown-commands.js'

const page = 'docs/adoption.md'
const shown = new ShownCommands(page)
/** What callers are told, in the order of the page. */
const denials = codeBlocks(readMarkdown(page)).filter(({ language }) => language === 'text')

const scale = (replicas: number) => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web' },
  scale: replicas,
})
const pods = (namespace: string) => ({ namespace })

describe('docs/adoption.md, as it stands', () => {
  const work = mkdtempSync(join(tmpdir(), 'mcp-authz-adoption-'))
  const bin = join(work, 'bin')
  const cwd = join(work, 'adoption')
  const stops: (() => Promise<unknown>)[] = []
  const started = <T extends { stop(): Promise<unknown> }>(part: T): T => {
    stops.push(() => part.stop())
    return part
  }
  const places = new Map<string, string>()
  const env = { PATH: `${bin}:${process.env.PATH}`, MCP_AUTHZ_IDENTITY_INSECURE_LOOPBACK_ISSUERS: 'true' }
  const run = { cwd, env, places }
  let idp: OpenIdProvider
  let cluster: SimulatedCluster
  let url = ''
  let http = 0
  let alice: ConnectedClient<unknown>
  let agent: ConnectedClient<unknown>
  let bob: ConnectedClient<unknown>

  beforeAll(async () => {
    const [listener = 0, admin = 0, grpc = 0, httpPort = 0] = await freePorts(4)
    http = httpPort
    url = `http://127.0.0.1:${listener}/mcp`
    idp = started(await startOpenIdProvider({ resource: url }))
    cluster = started(await startSimulatedCluster())
    const server = started(await startKubernetesMcpServer({ kubeconfig: cluster.kubeconfig }))
    mkdirSync(bin)
    const program = join(bin, 'mcp-authz')
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(packageRoot, 'dist/cli/main.js')}' "$@"\n`)
    chmodSync(program, 0o755)
    cpSync(join(packageRoot, 'examples/adoption'), cwd, { recursive: true })
    places.set('https://idp.example.com', idp.issuer)
    places.set('https://mcp.example.com/mcp', url)
    for (const name of readdirSync(cwd, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.yaml')) continue
      const file = join(cwd, name)
      const text = [...places].reduce((all, [theirs, ours]) => all.replaceAll(theirs, ours), readFileSync(file, 'utf8'))
      writeFileSync(file, text.replace('port: 9001', `port: ${grpc}`).replace('port: 9002', `port: ${httpPort}`))
    }
    const template = readFileSync(join(packageRoot, 'envoy/ext-authz.yaml'), 'utf8')
    const config = renderEnvoyConfig(template, { listener, upstream: server.port, authz: grpc, admin })
    const { path } = await findEnvoy({ announce: () => {} })
    // The server would use a token of its callers with the API server, which knows none: the gateway keeps it, as it did before.
    const keeping = config.replace(/^( *)virtual_hosts:/m, '$1request_headers_to_remove: [authorization]\n$&')
    expect(keeping).not.toBe(config)
    started(await startEnvoy({ path, config: keeping }))
  })
  afterAll(async () => {
    for (const client of [alice, agent, bob]) await client?.close().catch(() => undefined)
    for (const stop of stops.reverse()) await stop()
    rmSync(work, { recursive: true, force: true })
  })

  const records = () =>
    readFileSync(join(cwd, 'records.ndjson'), 'utf8')
      .split('\n')
      .filter(line => line !== '')
  const metrics = async () => (await fetch(`http://127.0.0.1:${http}/metrics`)).text()
  const revision = async () => /^mcp_authz_policy_info\{revision="([^"]+)"/m.exec(await metrics())?.[1] ?? ''
  /** Documents in the shadow. */
  const tried = async () => Number(/^mcp_authz_shadow_documents (\d+)$/m.exec(await metrics())?.[1])
  const decisionOf = (answer: ToolAnswer) => answer.meta['mcp-authz.dev/decision']

  /** All of it is carried out, whatever policies say. */
  async function aDay(): Promise<void> {
    const before = cluster.podsIn('team-a').length
    const calls: readonly (readonly [ConnectedClient<unknown>, string, Record<string, unknown>])[] = [
      [alice, 'pods_list_in_namespace', pods('team-a')],
      [alice, 'resources_scale', scale(3)],
      [alice, 'resources_scale', scale(2)],
      [alice, 'pods_list_in_namespace', pods('team-a')],
      [agent, 'pods_list_in_namespace', pods('team-a')],
      [agent, 'resources_scale', scale(4)],
      [agent, 'pods_delete', { namespace: 'team-a', name: cluster.podsIn('team-a')[0] ?? '' }],
      [bob, 'pods_list_in_namespace', pods('team-a')],
      [bob, 'pods_list_in_namespace', pods('team-b')],
    ]
    for (const [who, tool, args] of calls) {
      const answer = await who.callTool(tool, args)
      expect(answer, `${tool}: ${answer.text}`).toMatchObject({ isError: false })
    }
    expect(before).toBeGreaterThan(0)
  }

  it('1. audits everything', async () => {
    await runShown(shown.next('mcp-authz check'), run)
    const serve = started(
      await startChild({
        name: 'mcp-authz',
        command: 'bash',
        args: ['-c', `exec ${shown.next('mcp-authz serve').command}`],
        ...{ cwd, env },
      }),
    )
    await serve.waitUntilReady(async () => (await fetch(`http://127.0.0.1:${http}/readyz`)).ok)
    const { reasons } = JSON.parse(await (await fetch(`http://127.0.0.1:${http}/readyz`)).text())
    expect(reasons).toContainEqual(expect.stringContaining('audit: the Server kubernetes'))
    const token = await idp.login('alice')
    alice = await connectV1({ url, token })
    bob = await connectV1({ url, token: await idp.login('bob') })
    agent = await connectV2({ url, token: await idp.exchange(token) })
  })

  it('2. lets a day go by', async () => {
    await aDay()
    await eventually('the records of that day', () => records().filter(line => line.includes('tools/call')).length >= 9)
    await runShown(shown.next('jq'), run)
  })

  it('3. has policies suggested', () => runShown(shown.next('mcp-authz suggest'), run))

  it('4. reviews them', async () => {
    await runShown(shown.next('grep'), run)
    await runShown(shown.next('rm'), run)
    await runShown(shown.next('mcp-authz check'), run)
  })

  it('5. tests what is meant', () => runShown(shown.next('mcp-authz test'), run))

  it('6. tries it beside the traffic', async () => {
    await runShown(shown.next('cp'), run)
    await runShown(shown.next('sed'), run)
    await eventually('the shadow', async () => (await tried()) === 9)
    await aDay()
    expect(decisionOf(await alice.callTool('resources_scale', scale(50)))).toBeUndefined()
    expect(cluster.replicasOf('team-a', 'web')).toBe(50)
    await eventually('the differences', () => records().filter(line => line.includes('shadow/v1')).length >= 10)
    await runShown(shown.next('jq'), run)
  })

  it('7. enforces one thing at a time', async () => {
    const promote = async (
      left: number,
      beginning: string,
      who: ConnectedClient<unknown>,
      tool: string,
      args: Record<string, unknown>,
    ) => {
      const before = await revision()
      await runShown(shown.next(beginning), run)
      await eventually('the policies', async () => (await revision()) !== before && (await tried()) === left)
      const answer = await who.callTool(tool, args)
      expect(`${there(answer.text, places)}\n`).toBe(denials.shift()?.text)
    }
    await promote(2, 'mv shadow/kubernetes-rbac.yaml', bob, 'pods_delete', { namespace: 'team-a', name: 'web-1' })
    await promote(1, 'mv shadow/agents-do-not-delete', agent, 'pods_delete', { namespace: 'team-a', name: 'web-1' })
    await promote(0, 'mv shadow/replica-cap', alice, 'resources_scale', scale(50))
    expect(await alice.callTool('resources_scale', scale(5))).toMatchObject({ isError: false })
    expect(cluster.replicasOf('team-a', 'web')).toBe(5)
  })

  it('8. shows that nothing was lost', async () => {
    await runShown(shown.next('mcp-authz replay'), run)
    expect(shown.left).toBe(0)
    expect(denials).toEqual([])
  })
})
