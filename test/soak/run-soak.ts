import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, fetch } from 'undici'
import { extAuthzService } from '../../src/doors/ext-authz/ext-authz-door.js'
import { scaleRequest } from '../bench/check-requests.js'
import { Http2Connection } from '../bench/http2-connection.js'
import { eventually } from '../e2e/support/eventually.js'
import { initialize, toolsCall } from '../e2e/support/messages.js'
import { keepBusy, type Question, sendEvenly, type Tally } from '../overload/generate-load.js'
import { CoreWait } from './core-wait.js'
import { describeFailure } from './describe-failure.js'
import { Disturbances } from './disturbances.js'
import { fitLine, type Line } from './fit-line.js'
import { forbidden } from './soak-server.js'
import { type SoakStand, startSoakStand } from './soak-stand.js'

export interface SoakOptions {
  readonly minutes: number
  /** Whether RBAC is asked of a real API server, which is restarted now and then. */
  readonly apiServer: boolean
  say(line: string): void
}

export interface SoakReport {
  /** What must not be; empty when all is well. */
  readonly failures: readonly string[]
  /** Decided, by Envoy's clients and by direct ones. */
  readonly answers: { readonly envoy: number; readonly direct: number }
  readonly refused: number
  /** Denied because somebody did not wait any longer: how fast it is depends on what else the machine has to do. */
  readonly late: number
  /** Direct calls that were answered after a second. */
  readonly slow: number
  /** Of the time in which mcp-authz could work, the part in which others had the core. */
  readonly coreWait: number
  readonly excused: number
  readonly disconnects: number
  readonly streams: number
  readonly disturbances: Disturbances['told']
  readonly capacity: number
  readonly perSecond: number
  /** Bytes per minute, after the warm-up. */
  readonly heap: Line
  readonly rss: Line
  readonly heapBytes: { readonly first: number; readonly last: number }
}

/** Of the run, during which memory may grow. */
const warmUpShare = 0.35
/** Bytes between the start and the end of what is measured that are noise: caches, a larger heap, compiled code. */
const tolerated = 4 * 1024 * 1024
const settleMs = 60_000
/** What Envoy says of an authorizer that does not answer in time, and what that says of an API server. */
const late: ReadonlySet<string> = new Set(['gateway.authorization_unavailable', 'dependency.timeout'])
/** Of all answers: refused, denied because somebody did not wait any longer, and after more than a second. */
const most = { refused: 0.01, late: 0.001, slow: 0.01 }
/** The same where others have the machine ({@link CoreWait}), which makes everything late. */
const mostWhereContended = { refused: 0.1, late: 0.02, slow: 0.2 }
/** Lines of each program's output that a failure shows. */
const shownLines = 12

interface Case {
  readonly name: string
  readonly body: () => string
  readonly token: 'alice' | 'none' | 'forged' | 'expired'
  readonly expected: 'allow' | RegExp
}

const pods = (namespace: string) => () => toolsCall('pods_list_in_namespace', { namespace })
const scale = (count: number) => () =>
  toolsCall('resources_scale', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'team-a',
    name: 'web',
    scale: count,
  })

/** Whatever is disturbed, these stay as they are, or are denied for the disturbance. */
const cases: readonly Case[] = [
  { name: 'pods of the own team', body: pods('team-a'), token: 'alice', expected: 'allow' },
  { name: 'pods of another team', body: pods('team-b'), token: 'alice', expected: /^authorization\.rbac$/ },
  { name: 'a few replicas', body: scale(3), token: 'alice', expected: 'allow' },
  { name: 'too many replicas', body: scale(10), token: 'alice', expected: /^guardrail\.violated$/ },
  { name: 'initialize', body: () => initialize, token: 'alice', expected: 'allow' },
  { name: 'nobody', body: pods('team-a'), token: 'none', expected: /^identity\./ },
  { name: 'a forged token', body: pods('team-a'), token: 'forged', expected: /^(identity|dependency)\./ },
  { name: 'an expired token', body: pods('team-a'), token: 'expired', expected: /^(identity|dependency)\./ },
  { name: 'an unknown tool', body: () => toolsCall('rm_rf', {}), token: 'alice', expected: /^authorization\./ },
  { name: 'no JSON', body: () => '{"jsonrpc":"2.0",', token: 'alice', expected: /^message\./ },
  {
    name: 'a key twice',
    body: () => pods('team-a')().replace('"namespace":', '"namespace":"team-b","namespace":'),
    token: 'alice',
    expected: /^message\./,
  },
]

/** Half of what it can do, for a while, with all that may happen beside it. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-soak-'))
  const soak = await startSoakStand(options.apiServer, join(directory, 'decisions.ndjson')).catch(error => {
    rmSync(directory, { recursive: true, force: true })
    throw error
  })
  try {
    return await new Soak(soak, options).run()
  } finally {
    await soak.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

class Soak {
  readonly #soak: SoakStand
  readonly #options: SoakOptions
  readonly #failures: string[] = []
  readonly #disturbances = new Disturbances()
  readonly #samples: { readonly minute: number; readonly heap: number; readonly rss: number }[] = []
  readonly #agent = new Agent({ connections: 64 })
  readonly #tokens = { alice: '', none: '', forged: '', expired: '' }
  #envoy = 0
  #direct = 0
  #refused = 0
  #late = 0
  #slow = 0
  #excused = 0
  #disconnects = 0
  #streams = 0
  #ended = false
  readonly #began = performance.now()
  #coreWait: CoreWait

  constructor(soak: SoakStand, options: SoakOptions) {
    this.#soak = soak
    this.#options = options
    this.#coreWait = new CoreWait(soak.stand.authz.child.pid)
  }

  async run(): Promise<SoakReport> {
    const { minutes, say } = this.#options
    await this.#signIn()
    const connections = await Promise.all([1, 2].map(() => this.#connect()))
    await keepBusy(connections, 8, this.#questions(), 2)
    const { perSecond: capacity } = await keepBusy(connections, 8, this.#questions(), 2)
    const rate = capacity / 2
    // What comes through Envoy costs this process and Envoy far more than mcp-authz.
    const envoyRate = Math.min(100, rate / 2)
    say(
      `capacity ${capacity.toFixed(0)}/s, ${envoyRate.toFixed(0)}/s through Envoy and ${(rate - envoyRate).toFixed(0)}/s beside it`,
    )

    this.#coreWait = new CoreWait(this.#soak.stand.authz.child.pid)
    const end = performance.now() + minutes * 60_000
    const goesOn = () => !this.#ended && performance.now() < end
    const tasks = [
      this.#throughEnvoy(goesOn, envoyRate),
      this.#directly(goesOn, connections, rate - envoyRate),
      this.#disconnecting(goesOn),
      ...Array.from({ length: 5 }, () => this.#streaming(goesOn)),
      this.#disturbing(goesOn),
      this.#sampling(goesOn, minutes),
    ]
    // The first wrong answer ends it.
    const guarded = tasks.map(task => task.catch((error: unknown) => this.#fail(describeFailure(error))))
    await Promise.all(guarded)
    await this.#untilAnswered(connections)
    for (const connection of connections) connection.close()
    await this.#agent.destroy()
    await this.#lookAtTheEnd()
    return this.#report(capacity, rate)
  }

  #fail(what: string): void {
    this.#ended = true
    if (this.#failures.some(one => one.includes(what))) return
    this.#failures.push(`after ${((performance.now() - this.#began) / 1000).toFixed(1)} s: ${what}`)
    const { stand, api } = this.#soak
    for (const child of [stand.authz.child, stand.envoy.child, ...(api === undefined ? [] : [api.child])])
      this.#options.say(`${child.name} said last:\n${child.lines.slice(-shownLines).join('\n')}`)
  }

  /** What is sent is answered, however late. */
  async #untilAnswered(connections: readonly Http2Connection[]): Promise<void> {
    const missing = () => connections.reduce((sum, { inFlight }) => sum + inFlight, 0)
    await eventually('all answers', () => missing() === 0).catch(() =>
      this.#fail(`${missing()} direct calls were never answered`),
    )
  }

  async #signIn(): Promise<void> {
    const { idp } = this.#soak
    const [alice, expired] = await Promise.all([idp.login('alice'), idp.expiredToken('alice')])
    const [header = '', payload = '', signature = ''] = alice.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    bytes[8] = (bytes[8] ?? 0) ^ 1
    Object.assign(this.#tokens, { alice, expired, forged: `${header}.${payload}.${bytes.toString('base64url')}` })
  }

  #connect(): Promise<Http2Connection> {
    return Http2Connection.open(this.#soak.stand.grpcPort, `/${extAuthzService}/Check`)
  }

  #questions(): readonly Question[] {
    const { alice } = this.#tokens
    return [
      { message: scaleRequest(alice, 3), allowed: true },
      { message: scaleRequest(alice, 10), allowed: false },
      { message: scaleRequest(this.#tokens.forged, 3), allowed: false },
    ]
  }

  async #ask({ body, token, expected, name }: Pick<Case, 'body' | 'token' | 'expected' | 'name'>): Promise<string> {
    const response = await fetch(this.#soak.stand.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(this.#tokens[token] !== '' && { authorization: `Bearer ${this.#tokens[token]}` }),
        ...(expected !== 'allow' && { [forbidden]: name }),
      },
      body: body(),
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(10_000),
    })
    const text = await response.text()
    return text.includes('"text":"done"')
      ? 'allow'
      : (/"reason":"([a-z_.]+)"/.exec(text)?.[1] ?? `HTTP ${response.status}`)
  }

  async #throughEnvoy(goesOn: () => boolean, perSecond: number): Promise<void> {
    const began = performance.now()
    const underWay = new Set<Promise<void>>()
    for (let sent = 0; goesOn(); sent++) {
      const wait = began + (sent / perSecond) * 1000 - performance.now()
      if (wait > 0) await sleep(wait)
      while (underWay.size >= 64) await Promise.race(underWay)
      const one = cases[sent % cases.length]
      if (one === undefined) break
      const asked = this.#judge(one).catch((error: unknown) => this.#fail(`${one.name}: ${describeFailure(error)}`))
      underWay.add(asked)
      asked.finally(() => underWay.delete(asked))
    }
    await Promise.all(underWay)
  }

  async #judge(one: Case): Promise<void> {
    const from = performance.now()
    const told = await this.#ask(one)
    const to = performance.now()
    this.#envoy++
    const right = one.expected === 'allow' ? told === 'allow' : told !== 'allow' && one.expected.test(told)
    if (right) return
    if (told === 'dependency.overloaded') this.#refused++
    else if (told !== 'allow' && this.#disturbances.excuse(told, from, to)) this.#excused++
    else if (late.has(told)) this.#late++
    else this.#fail(`${one.name}: ${told}, expected ${String(one.expected)}`)
  }

  async #directly(goesOn: () => boolean, connections: readonly Http2Connection[], perSecond: number): Promise<void> {
    while (goesOn()) {
      const from = performance.now()
      const tally = await sendEvenly(connections, perSecond, this.#questions(), 1)
      this.#count(tally, from, performance.now())
    }
  }

  #count(
    { decided, refused, failed, late: slow, wronglyAllowed, wronglyDenied }: Tally,
    from: number,
    to: number,
  ): void {
    this.#direct += decided
    this.#refused += refused
    this.#slow += slow
    if (wronglyAllowed > 0) this.#fail(`${wronglyAllowed} direct calls were allowed that must be denied`)
    if (failed > 0) this.#fail(`${failed} direct calls ended without an answer`)
    for (const reason of wronglyDenied) {
      if (this.#disturbances.excuse(reason, from, to)) this.#excused++
      else if (late.has(reason)) this.#late++
      else this.#fail(`a direct call that must be allowed was denied: ${reason}`)
    }
  }

  /** Clients that go away at any moment, through Envoy and without. */
  async #disconnecting(goesOn: () => boolean): Promise<void> {
    for (let n = 0; goesOn(); n++) {
      await sleep(100)
      const away = new AbortController()
      setTimeout(() => away.abort(), n % 23)
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.#tokens.alice}` }
      await fetch(this.#soak.stand.url, {
        ...{ method: 'POST', headers: { ...headers, [forbidden]: 'from a client that went away' } },
        ...{ body: scale(10)(), dispatcher: this.#agent, signal: away.signal },
      })
        .then(response => response.text())
        .catch(() => undefined)
      if (n % 10 === 0) {
        const connection = await this.#connect()
        for (const { message } of this.#questions()) connection.send(message, 0)
        connection.flush()
        await sleep(n % 7)
        connection.close()
      }
      this.#disconnects++
    }
  }

  /** A stream of events that must not end before its client ends it. */
  async #streaming(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const from = performance.now()
      const away = new AbortController()
      const response = await fetch(this.#soak.stand.url, {
        headers: { accept: 'text/event-stream', authorization: `Bearer ${this.#tokens.alice}` },
        ...{ dispatcher: this.#agent, signal: away.signal },
      })
      if (response.status !== 200) {
        const reason = /"reason":"([a-z_.]+)"/.exec(await response.text())?.[1] ?? `HTTP ${response.status}`
        if (
          reason !== 'dependency.overloaded' &&
          !late.has(reason) &&
          !this.#disturbances.excuse(reason, from, performance.now())
        )
          throw new Error(`a stream of events was refused: ${reason}`)
        await sleep(500)
        continue
      }
      this.#streams++
      const until = performance.now() + 20_000
      const reader = response.body?.getReader()
      let events = 0
      while (goesOn() && performance.now() < until) {
        const read = await reader?.read()
        if (read === undefined || read.done) throw new Error('a stream of events ended by itself')
        events++
      }
      away.abort()
      if (events === 0 && performance.now() - from > 5000) throw new Error('no events came')
    }
  }

  async #disturbing(goesOn: () => boolean): Promise<void> {
    const turns = [() => this.#reload(), () => this.#breakPolicies(), () => this.#rotate(), () => this.#restart()]
    for (let n = 0; goesOn(); n++) {
      await sleep(4000)
      if (!goesOn()) return
      await turns[n % turns.length]?.()
    }
  }

  /** Whether a call is decided as it should be, seen through the gateway. */
  #settled(what: string, body: () => string, expected: string): Promise<unknown> {
    const ask = () => this.#ask({ name: what, body, token: 'alice', expected: 'allow' })
    return eventually(what, async () => (await ask()) === expected, settleMs)
  }

  async #reload(): Promise<void> {
    const { policies } = this.#soak.stand
    const before = await policies.read('guardrails.yaml')
    const six = scale(6)
    for (const [cap, expected] of [
      [7, 'allow'],
      [5, 'guardrail.violated'],
    ] as const) {
      const changed = before.replace('replicas.all(n, n <= 5)', `replicas.all(n, n <= ${cap})`)
      await this.#disturbances.during('policies', async () => {
        await policies.write('guardrails.yaml', changed)
        await this.#settled(`a cap of ${cap}`, six, expected)
      })
    }
  }

  /** What is broken has no effect: the version before it stays in force, and calls are decided as ever. */
  async #breakPolicies(): Promise<void> {
    const { policies } = this.#soak.stand
    const before = await policies.read('guardrails.yaml')
    const broken = before.replace('replicas.all(n, n <= 5)', 'replicas.all(n, n <= )')
    await policies.write('guardrails.yaml', broken)
    const count = async () => (await this.#soak.metrics())('mcp_authz_policy_broken_documents')
    await eventually('a broken document', async () => (await count()) > 0, settleMs)
    await this.#settled('the version before', scale(10), 'guardrail.violated')
    await policies.write('guardrails.yaml', before)
    await eventually('no broken document', async () => (await count()) === 0, settleMs)
  }

  /** Other keys: new tokens are taken, and those of the old keys are no longer. */
  async #rotate(): Promise<void> {
    await this.#disturbances.during('keys', async () => {
      const old = this.#tokens.alice
      await this.#soak.rotateKeys()
      await this.#signIn()
      await this.#settled('a token of the new keys', pods('team-a'), 'allow')
      const withOld = async () => {
        const response = await fetch(this.#soak.stand.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${old}` },
          ...{ body: pods('team-a')(), dispatcher: this.#agent },
        })
        await response.text()
        return response.status
      }
      await eventually('the end of the old keys', async () => (await withOld()) === 401, settleMs)
    })
  }

  async #restart(): Promise<void> {
    const { api } = this.#soak
    if (api === undefined) return
    await this.#disturbances.during('api-server', async () => {
      await api.restart()
      await this.#settled('an answer with RBAC', pods('team-a'), 'allow')
      await this.#settled('a denial by RBAC', pods('team-b'), 'authorization.rbac')
      // An answer that was asked for before may still be on its way.
      await sleep(1000)
    })
  }

  async #sampling(goesOn: () => boolean, minutes: number): Promise<void> {
    const began = performance.now()
    let said = 0
    while (goesOn()) {
      // The least of several: garbage is thrown away every five seconds.
      const looks: { heap: number; rss: number }[] = []
      for (let look = 0; look < 10 && goesOn(); look++) {
        await sleep(500)
        const metric = await this.#soak.metrics()
        looks.push({
          heap: metric('nodejs_heap_size_used_bytes') + metric('nodejs_external_memory_bytes'),
          rss: metric('process_resident_memory_bytes'),
        })
      }
      if (looks.length < 10) return
      const minute = (performance.now() - began) / 60_000
      const heap = Math.min(...looks.map(one => one.heap))
      this.#samples.push({ minute, heap, rss: Math.min(...looks.map(one => one.rss)) })
      if (Math.floor(minute) === said) continue
      said = Math.floor(minute)
      this.#options.say(`${said} of ${minutes} minutes: ${this.#envoy} + ${this.#direct} answers, ${mebi(heap)} MiB`)
    }
  }

  async #lookAtTheEnd(): Promise<void> {
    const { stand, server } = this.#soak
    if (server.violations.length > 0)
      this.#failures.push(`reached the server: ${[...new Set(server.violations)].join(', ')}`)
    const metric = await this.#soak.metrics()
    if (metric('mcp_authz_decision_records_dropped_total') > 0) this.#failures.push('decision records were lost')
    this.#lookAtTimes()
    // What is broken on purpose: Guardrails, and the API server, which refuses what it has not read its RBAC for yet.
    const broken = new Set(['policy', ...(this.#soak.api === undefined ? [] : ['kube'])])
    const unexpected = stand.authz.logs.filter(({ level, subsystem }) => level === 'error' && !broken.has(subsystem))
    for (const { subsystem, message } of unexpected.slice(0, 5)) this.#failures.push(`log: ${subsystem}: ${message}`)
    stand.authz.signal('SIGTERM')
    const { code, signal } = await stand.authz.child.exited
    if (code !== 0) this.#failures.push(`it ended with ${code ?? signal}`)
  }

  #lookAtTimes(): void {
    const { share, contended } = this.#coreWait
    const bounds = contended ? mostWhereContended : most
    const answers = this.#envoy + this.#direct + this.#refused
    for (const [what, count, bound] of [
      ['calls were refused for overload', this.#refused, bounds.refused],
      ['calls were denied because they took too long', this.#late, bounds.late],
      ['direct calls took longer than a second', this.#slow, bounds.slow],
    ] as const)
      if (count > answers * bound)
        this.#failures.push(
          `${count} ${what}, of ${answers}: more than ${bound * 100} %; mcp-authz waited ${(share * 100).toFixed(0)} % of its time for a core`,
        )
  }

  #report(capacity: number, perSecond: number): SoakReport {
    const kept = this.#samples.slice(Math.floor(this.#samples.length * warmUpShare))
    const heap = fitLine(kept.map(({ minute, heap: bytes }) => [minute, bytes]))
    const rss = fitLine(kept.map(({ minute, rss: bytes }) => [minute, bytes]))
    const first = kept[0]
    const last = kept.at(-1)
    const grown = heap.slope * ((last?.minute ?? 0) - (first?.minute ?? 0))
    if (heap.slope > 3 * heap.error && grown > tolerated)
      this.#failures.push(`memory grows: ${mebi(heap.slope)} MiB per minute, error ${mebi(heap.error)}`)
    return {
      failures: this.#failures,
      answers: { envoy: this.#envoy, direct: this.#direct },
      ...{
        refused: this.#refused,
        late: this.#late,
        slow: this.#slow,
        coreWait: this.#coreWait.share,
        excused: this.#excused,
        disconnects: this.#disconnects,
        streams: this.#streams,
      },
      disturbances: this.#disturbances.told,
      ...{ capacity, perSecond, heap, rss },
      heapBytes: { first: first?.heap ?? 0, last: last?.heap ?? 0 },
    }
  }
}

export function mebi(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(2)
}
