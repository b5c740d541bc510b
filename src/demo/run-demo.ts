import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../package-root.js'
import { addRoute } from './add-route.js'
import { type AuthzProcess, startAuthz } from './authz-process.js'
import { type ConnectedClient, connectV1, connectV2, type ToolAnswer } from './clients.js'
import { type DemoKube, startDemoKube } from './demo-kube.js'
import { copyDemoPolicies, type DemoPolicies } from './demo-policies.js'
import { renderEnvoyConfig } from './envoy-config.js'
import { findEnvoy } from './find-envoy.js'
import { freePorts } from './free-port.js'
import { summarizeKubeconfig } from './kubeconfig.js'
import { startKubernetesMcpServer } from './kubernetes-mcp-server.js'
import { startLedgerServer } from './ledger-server.js'
import { type OpenIdProvider, startOpenIdProvider } from './openid-provider.js'
import { type RawAnswer, rawPost } from './raw-post.js'
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.js'
import { type SimulatedCluster, startSimulatedCluster } from './simulated-cluster.js'
import { startEnvoy } from './start-envoy.js'

export interface DemoOptions {
  /** A kubeconfig of a real cluster; undefined: an API server of the demo's own, simulated unless `kube`. */
  readonly kubeconfig: string | undefined
  /** Builds and starts a real API server. */
  readonly kube: boolean
  /** Allows changes in a real cluster, in a namespace of the demo's own. */
  readonly write: boolean
  /** Stay up after the last step until `signal`. */
  readonly keep: boolean
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** Runs the demo; resolves to the number of steps that did not go as announced. Everything it started is stopped. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const undo: (() => Promise<unknown>)[] = []
  try {
    const stage = await setUp(options, undo)
    const demo = new Demo(stage, options)
    await demo.play()
    if (options.keep && !options.signal.aborted) await stayUp(stage, options)
    return demo.unexpected
  } finally {
    for (const one of undo.reverse()) await one().catch(() => undefined)
  }
}

interface Stage {
  readonly envoyUrl: string
  readonly authz: AuthzProcess
  readonly policies: DemoPolicies
  readonly idp: OpenIdProvider
  readonly proxy: RecordingProxy
  readonly ledgerUrl: string
  /** Before the ledger, which verifies who asks. */
  readonly ledger: RecordingProxy
  /** The API server of the demo's own, if it has one. */
  readonly cluster: SimulatedCluster | DemoKube | undefined
  /** The same, if it is a real one. */
  readonly kube: DemoKube | undefined
  /** The namespace that the demo's developers own, and one that they do not. */
  readonly own: string
  readonly other: string
  readonly mayWrite: boolean
}

async function setUp(options: DemoOptions, undo: (() => Promise<unknown>)[]): Promise<Stage> {
  const { say } = options
  const started = <T extends { stop(): Promise<unknown> }>(part: T): T => {
    undo.push(() => part.stop())
    return part
  }
  say('mcp-authz demo: every call goes through Envoy, which asks mcp-authz before it passes anything on.')
  say('')
  const envoy = await findEnvoy({ announce: line => say(`  ${line}`) })
  const kube = options.kube ? started(await startDemoKube(line => say(`  ${line}`))) : undefined
  const simulated =
    options.kubeconfig === undefined && kube === undefined ? started(await startSimulatedCluster()) : undefined
  const cluster = kube ?? simulated
  const kubeconfig = options.kubeconfig ?? cluster?.kubeconfig ?? ''
  if (options.kubeconfig !== undefined) {
    const { context, server, user } = summarizeKubeconfig(options.kubeconfig)
    say(`  Your cluster: context "${context}" at ${server}, as "${user}".`)
    say(
      options.write
        ? '  Changes go to a namespace of the demo, which is removed afterwards.'
        : '  Nothing is changed there: without --write the demo only reads.',
    )
  }
  const mayWrite = cluster !== undefined || options.write
  const own =
    cluster !== undefined ? 'team-a' : options.write ? `mcp-authz-demo-${randomBytes(3).toString('hex')}` : 'default'
  const other = cluster !== undefined ? 'team-b' : 'kube-system'

  const mcpServer = started(await startKubernetesMcpServer({ kubeconfig, args: mayWrite ? [] : ['--read-only'] }))
  if (cluster === undefined && options.write) await ownNamespace(mcpServer.url, own, undo)
  const proxy = started(await startRecordingProxy({ target: mcpServer.origin }))
  const [listener = 0, admin = 0, grpc = 0, http = 0] = await freePorts(4)
  const envoyUrl = `http://127.0.0.1:${listener}/mcp`
  const idp = started(
    await startOpenIdProvider({
      ...{ resource: envoyUrl, accessTokenSeconds: options.keep ? 12 * 3600 : 300 },
      ...(kube === undefined ? {} : { tls: kube.tls }),
    }),
  )
  const ledgerUrl = `http://127.0.0.1:${listener}/ledger`
  const policies = await copyDemoPolicies({
    ...{ issuer: idp.issuer, resource: envoyUrl, ledger: ledgerUrl, namespace: own },
    ...(kube === undefined ? {} : { cluster: kube.tls }),
  })
  undo.push(() => policies.remove())
  const issuer = `http://127.0.0.1:${http}`
  const settings = {
    'signing.issuer': issuer,
    'signing.keys.0.file': await signingKey(undo),
    // Nobody but this machine's Envoy can reach the port.
    'listeners.0.trust': 'network',
    ...(kube === undefined
      ? {}
      : {
          'clusters.local.authorizer': 'sar',
          'clusters.local.kubeconfig': kube.reviewer,
          'clusters.local.timeoutMs': '5000',
        }),
  }
  const authz = started(await startAuthz({ policies: policies.directory, ports: [grpc, http], settings }))
  const verifying = { jwksUrl: `${issuer}/.well-known/jwks.json`, issuer, audience: ledgerUrl }
  const ledger = started(await startRecordingProxy({ target: started(await startLedgerServer(verifying)).origin }))
  const template = readFileSync(join(packageRoot, 'envoy/ext-authz.yaml'), 'utf8')
  started(
    await startEnvoy({
      path: envoy.path,
      config: addRoute(renderEnvoyConfig(template, { listener, upstream: proxy.port, authz: grpc, admin }), {
        path: '/ledger',
        server: 'ledger',
        port: ledger.port,
      }),
    }),
  )

  await kube?.trust(join(policies.directory, 'identity.yaml'), await idp.login('alice'))
  say(`  gateway          Envoy ${envoy.version}   ${envoyUrl}`)
  say(`  authorization    mcp-authz      policies/demo, asked over gRPC on 127.0.0.1:${grpc}`)
  say(`  identities       oidc-provider  ${idp.issuer}`)
  const which = kube !== undefined ? `the real API server ${kube.url}` : 'a simulated API server'
  say(
    `  MCP server       kubernetes-mcp-server   ${cluster === undefined ? 'your cluster' : `${which} with the namespaces team-a and team-b`}`,
  )
  say('  MCP server       ledger, which verifies a token of mcp-authz with every call')
  say('  people           alice, developer of team-a; bob, viewer; the agents sre-agent and release-planner')
  return { envoyUrl, authz, policies, idp, proxy, ledgerUrl, ledger, cluster, kube, own, other, mayWrite }
}

/** A fresh key with which mcp-authz signs. */
async function signingKey(undo: (() => Promise<unknown>)[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-demo-key-'))
  undo.push(() => rm(directory, { recursive: true, force: true }))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = join(directory, 'signing.pem')
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return file
}

/** A namespace with a deployment in a real cluster, made and removed through the unguarded MCP server. */
async function ownNamespace(url: string, name: string, undo: (() => Promise<unknown>)[]): Promise<void> {
  const direct = await connectV1({ url })
  undo.push(async () => {
    await direct.callTool('resources_delete', { apiVersion: 'v1', kind: 'Namespace', name })
    await direct.close()
  })
  const made = await direct.callTool('resources_create_or_update', {
    resource: `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`,
  })
  if (made.isError) throw new Error(`the namespace ${name} could not be made: ${made.text}`)
  const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${name} }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "registry.k8s.io/pause:3.10" }] }
`
  const deployed = await direct.callTool('resources_create_or_update', { resource: deployment })
  if (deployed.isError) throw new Error(`the deployment could not be made: ${deployed.text}`)
}

interface Expectation {
  readonly outcome: 'ALLOWED' | 'DENIED' | 'REFUSED'
  /** Must stand in what the caller gets. */
  readonly says?: string
}

class Demo {
  unexpected = 0
  #step = 0
  readonly #stage: Stage
  readonly #options: DemoOptions

  constructor(stage: Stage, options: DemoOptions) {
    this.#stage = stage
    this.#options = options
  }

  async play(): Promise<void> {
    const { idp, own, other, envoyUrl, ledgerUrl, mayWrite } = this.#stage
    const aliceToken = await idp.login('alice')
    const alice = await connectV1({ url: envoyUrl, token: aliceToken })
    const bob = await connectV1({ url: envoyUrl, token: await idp.login('bob') })
    const agentToken = await idp.exchange(aliceToken)
    const agent = await connectV2({ url: envoyUrl, token: agentToken })
    const twoHops = await idp.exchange(await idp.exchange(aliceToken, 'release-planner'), 'sre-agent')
    const planned = await connectV2({ url: envoyUrl, token: twoHops })
    const alone = await connectV2({ url: envoyUrl, token: await idp.clientToken('sre-agent') })
    const booking = await connectV2({ url: ledgerUrl, token: agentToken })
    const scale = (replicas: number) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: own,
      name: 'web',
      scale: replicas,
    })
    try {
      this.#chapter('What Kubernetes RBAC says')
      await this.#call(
        'alice lists the pods of her own namespace',
        alice,
        'pods_list_in_namespace',
        { namespace: own },
        { outcome: 'ALLOWED' },
      )
      await this.#call(
        "alice lists the pods of another tenant's namespace",
        alice,
        'pods_list_in_namespace',
        { namespace: other },
        { outcome: 'DENIED', says: `namespace "${other}"` },
      )
      await this.#call(
        'bob, who may view everything, lists them',
        bob,
        'pods_list_in_namespace',
        { namespace: other },
        { outcome: 'ALLOWED' },
      )
      await this.#call('bob tries to scale', bob, 'resources_scale', scale(1), {
        outcome: 'DENIED',
        says: 'authorization.rbac',
      })
      await this.#call(
        'a model invents a tool',
        alice,
        'pods_restart_all',
        { namespace: own },
        { outcome: 'DENIED', says: 'authorization.tool_unknown' },
      )

      this.#chapter('What RBAC cannot say: guardrails')
      if (mayWrite) {
        await this.#call('alice scales to 3', alice, 'resources_scale', scale(3), { outcome: 'ALLOWED' })
        await this.#effect()
      } else this.#say('   (scaling to 3 changes the cluster: it needs --write)')
      await this.#call('alice scales to 10', alice, 'resources_scale', scale(10), {
        outcome: 'DENIED',
        says: 'ReplicaCap',
      })
      await this.#effect()
      await this.#call(
        'alice runs an image from anywhere',
        alice,
        'pods_run',
        { namespace: own, name: 'miner', image: 'docker.io/cheap/miner' },
        { outcome: 'DENIED', says: 'UnapprovedImage' },
      )

      this.#chapter('Who asks')
      await this.#raw('nobody: no token', undefined, 401)
      await this.#raw('alice with an expired token', await idp.expiredToken('alice'), 401)
      const answer = await this.#call(
        'an agent lists pods for alice',
        agent,
        'pods_list_in_namespace',
        { namespace: own },
        { outcome: 'ALLOWED' },
      )
      await this.#whoWasNamed(answer)
      await this.#call(
        'the agent deletes a pod for alice',
        agent,
        'pods_delete',
        { namespace: own, name: 'web-1' },
        { outcome: 'DENIED', says: 'PeopleOnly' },
      )
      const relayed = await this.#call(
        'a planner has the agent list pods for alice: two hops',
        planned,
        'pods_list_in_namespace',
        { namespace: own },
        { outcome: 'ALLOWED' },
      )
      await this.#whichChain(relayed)
      await this.#call(
        'the agent lists pods for nobody',
        alone,
        'pods_list_in_namespace',
        { namespace: own },
        { outcome: 'DENIED', says: 'service-account-sre-agent' },
      )

      this.#chapter("A server that takes nobody's word")
      await this.#call(
        'the agent books for alice; the server verifies the signed token of that call',
        booking,
        'book',
        { account: 'team-a', amount: 10 },
        { outcome: 'ALLOWED', says: 'for alice, through sre-agent' },
      )
      await this.#replay('the same token past the gateway, with another amount', { account: 'team-a', amount: 10_000 })

      this.#chapter('Instrument first, enforce second')
      if (mayWrite) await this.#audit(alice, scale(10))
      else this.#say('   (in Audit the call would go through and change the cluster: it needs --write)')
    } finally {
      for (const client of [alice, bob, agent, planned, alone, booking]) await client.close().catch(() => undefined)
    }
    this.#say('')
    const verdict = this.unexpected === 0 ? 'all as announced' : `${this.unexpected} NOT as announced`
    this.#say(`${this.#step} steps, ${verdict}.`)
  }

  async #call<Sdk>(
    title: string,
    client: ConnectedClient<Sdk>,
    tool: string,
    args: Record<string, unknown>,
    expected: Expectation,
  ): Promise<ToolAnswer> {
    this.#title(title)
    this.#say(`      ${tool} ${JSON.stringify(args)}`)
    const answer = await client.callTool(tool, args)
    const denied = answer.meta['mcp-authz.dev/decision'] !== undefined
    this.#outcome(denied ? 'DENIED' : 'ALLOWED', answer.text, expected)
    return answer
  }

  async #raw(title: string, token: string | undefined, status: number): Promise<RawAnswer> {
    this.#title(title)
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    const answer = await rawPost({ url: this.#stage.envoyUrl, body, ...(token !== undefined && { token }) })
    const challenge = answer.headers['www-authenticate'] ?? ''
    this.#outcome(
      answer.status === status ? 'REFUSED' : 'ALLOWED',
      `HTTP ${answer.status}  WWW-Authenticate: ${challenge}`,
      {
        outcome: 'REFUSED',
        says: 'resource_metadata=',
      },
    )
    return answer
  }

  /** The human is named to the server behind the gateway and to the auditor. */
  async #whoWasNamed(answer: ToolAnswer): Promise<void> {
    if (answer.isError) return
    const received = this.#stage.proxy.requests.findLast(request => request.method === 'POST')?.headers ?? {}
    this.#say('      the server received:')
    for (const name of ['x-mcp-authz-user', 'x-mcp-authz-agent', 'x-mcp-authz-tenant'])
      this.#say(`        ${name}: ${String(received[name] ?? '(absent)')}`)
    const { kube } = this.#stage
    const token = received.authorization === undefined ? '(removed)' : 'LEFT IN PLACE'
    this.#say(`        authorization: ${kube === undefined ? token : "the caller's token, for the API server"}`)
    const id = received['x-mcp-authz-decision-id']
    const { line, parsed } = await this.#stage.authz.record(typeof id === 'string' ? id : '')
    this.#say('      the auditor gets:')
    this.#say(`        ${line}`)
    if (
      parsed.subject?.user !== 'alice' ||
      parsed.agent?.id !== 'sre-agent' ||
      received['x-mcp-authz-user'] !== 'alice' ||
      (received.authorization === undefined) !== (kube === undefined)
    )
      this.#wrong('alice and sre-agent should be named')
    await this.#whoDidIt()
  }

  /** A real API server has a record of its own. */
  async #whoDidIt(): Promise<void> {
    const { kube, own } = this.#stage
    if (kube === undefined) return
    const event = await kube.auditOfPods(own)
    this.#say('      the audit log of the API server says:')
    this.#say(`        ${event?.user ?? 'nobody'} (${event?.groups.join(', ')}): ${event?.verb} ${event?.uri}`)
    if (event?.user !== 'alice') this.#wrong('alice should be named')
  }

  /** Everybody on the way is named, and the chain has a name of its own. */
  async #whichChain(answer: ToolAnswer): Promise<void> {
    if (answer.isError) return
    const received = this.#stage.proxy.requests.findLast(request => request.method === 'POST')?.headers ?? {}
    const id = received['x-mcp-authz-decision-id']
    const { parsed } = await this.#stage.authz.record(typeof id === 'string' ? id : '')
    this.#say(`      the server received: x-mcp-authz-chain: ${String(received['x-mcp-authz-chain'] ?? '(absent)')}`)
    this.#say(`      the record says: "user":"${parsed.subject?.user}","actors":${JSON.stringify(parsed.actors)}`)
    if (parsed.subject?.user !== 'alice' || parsed.actors?.join() !== 'sre-agent,release-planner')
      this.#wrong('alice, sre-agent and release-planner should be named')
  }

  /** What somebody can do who got hold of a context token. */
  async #replay(title: string, args: Record<string, unknown>): Promise<void> {
    this.#title(title)
    const { ledger } = this.#stage
    const token = ledger.requests.findLast(request => request.method === 'POST')?.headers['x-mcp-authz-context']
    const params = { name: 'book', arguments: args }
    const answer = await rawPost({
      url: `${ledger.url}/ledger`,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
      headers: { 'x-mcp-authz-context': String(token) },
    })
    this.#outcome(answer.status === 403 ? 'REFUSED' : 'ALLOWED', `HTTP ${answer.status}  ${answer.body}`, {
      outcome: 'REFUSED',
      says: 'the arguments differ',
    })
  }

  async #audit<Sdk>(alice: ConnectedClient<Sdk>, args: Record<string, unknown>): Promise<void> {
    const { policies, authz, proxy } = this.#stage
    const enforcing = await authz.revision()
    await policies.setReplicaCap('Audit')
    await authz.waitForOther(enforcing)
    await this.#call(
      'alice scales to 10 again, with the guardrail replica-cap in Audit',
      alice,
      'resources_scale',
      args,
      { outcome: 'ALLOWED' },
    )
    await this.#effect()
    const id = proxy.requests.findLast(request => request.method === 'POST')?.headers['x-mcp-authz-decision-id']
    const { parsed } = await authz.record(typeof id === 'string' ? id : '')
    const would = JSON.stringify(parsed.would_deny ?? [])
    this.#say(`      the record says: "decision":"${parsed.decision}","would_deny":${would}`)
    if (!would.includes('ReplicaCap')) this.#wrong('the record should say what would have been denied')
    const auditing = await authz.revision()
    await policies.setReplicaCap('Enforce')
    await authz.waitForOther(auditing)
    await this.#call(
      'and once more, enforced again: policies reload without a restart',
      alice,
      'resources_scale',
      args,
      { outcome: 'DENIED', says: 'ReplicaCap' },
    )
  }

  async #effect(): Promise<void> {
    const { cluster, own } = this.#stage
    if (cluster !== undefined)
      this.#say(`      the cluster: deployment ${own}/web has ${await cluster.replicasOf(own, 'web')} replicas`)
  }

  #outcome(outcome: Expectation['outcome'], text: string, expected: Expectation): void {
    const lines = text.split('\n').filter(line => line.trim() !== '')
    const shown = outcome === 'DENIED' ? lines : lines.slice(0, 2)
    for (const [index, line] of shown.entries())
      this.#say(`      ${index === 0 ? outcome.padEnd(8) : '        '} ${shorten(line)}`)
    if (outcome !== expected.outcome) this.#wrong(`expected ${expected.outcome}`)
    else if (expected.says !== undefined && !text.includes(expected.says))
      this.#wrong(`expected to read "${expected.says}"`)
  }

  #chapter(title: string): void {
    this.#say('')
    this.#say(title)
  }

  #title(title: string): void {
    this.#step++
    this.#say(` ${String(this.#step).padStart(2)}  ${title}`)
  }

  #wrong(text: string): void {
    this.unexpected++
    this.#say(`      NOT AS ANNOUNCED: ${text}`)
  }

  #say(line: string): void {
    this.#options.say(line)
  }
}

function shorten(line: string): string {
  return line.length <= 150 ? line : `${line.slice(0, 149)}…`
}

async function stayUp({ envoyUrl, idp, authz, policies }: Stage, { say, signal }: DemoOptions): Promise<void> {
  const alice = await idp.login('alice')
  const bob = await idp.login('bob')
  const agent = await idp.exchange(alice)
  say('')
  say('Everything stays up; end it with Ctrl-C. The tokens are good for 12 hours.')
  say(`  export ALICE='${alice}'`)
  say(`  export BOB='${bob}'`)
  say(`  export AGENT='${agent}'`)
  say('')
  say('  # an MCP session begins with initialize; its answer carries the header mcp-session-id')
  say(
    `  curl -si ${envoyUrl} -H "authorization: Bearer $ALICE" -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' \\`,
  )
  say(
    `    -d '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}'`,
  )
  say('  # a denied call needs no session: mcp-authz answers before the server is reached')
  say(
    `  curl -s ${envoyUrl} -H "authorization: Bearer $ALICE" -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' \\`,
  )
  say(
    `    -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pods_list_in_namespace","arguments":{"namespace":"kube-system"}}}'`,
  )
  say('')
  say(`  your own MCP client: ${envoyUrl} with the header "Authorization: Bearer $ALICE"`)
  say(`  policies, reloaded when you save them: ${policies.directory}`)
  say(`  readiness and metrics: http://127.0.0.1:${authz.httpPort}/readyz and /metrics`)
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}
