import { readFileSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { createServer, connect as dial } from 'node:net'
import { parseArgs } from 'node:util'
import { AuthorizationV1Api, KubeConfig } from '@kubernetes/client-node'
import { portOf } from '../../src/kube/api-server.fixture.js'
import { createApiServer } from '../../src/kube/create-api-server.js'
import { startApiServer, type TestApiServer } from '../kube/start-api-server.js'
import { median, quantile } from './statistics.js'

const help = `Usage: npx tsx test/bench/kube-client.ts [--quick]

What a SubjectAccessReview of a real API server costs its client: ours, a bare node:http2 session, @kubernetes/client-node.
The API server runs on the same machine, so that the latencies are mostly its own; the processor time is that of the client.`

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
})

interface Client {
  readonly name: string
  ask(): Promise<void>
  close(): void
}

interface Cost {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMicros: number
}

const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldValidation=Strict'
const review = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SubjectAccessReview',
  spec: {
    user: 'alice',
    groups: ['staff'],
    resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' },
  },
}
const body = JSON.stringify(review)

interface Place {
  readonly port: number
  readonly ca: string
  readonly token: string
  /** With the address of `port` and the token. */
  readonly kubeconfig: string
}

function ours({ kubeconfig }: Place): Client {
  const api = createApiServer({
    cluster: 'local',
    connection: { kind: 'kubeconfig', file: kubeconfig, context: undefined },
    timeoutMs: 10_000,
    maxInFlight: 64,
  })
  return {
    name: 'ours',
    async ask() {
      const answer = await api.request({ method: 'POST', path, body, repeatable: true })
      if (!answer.ok) throw new Error(answer.message)
    },
    close: () => api.close(),
  }
}

function bare({ port, ca, token }: Place): Client {
  const session: ClientHttp2Session = connect(`https://127.0.0.1:${port}`, { ca })
  const headers = {
    ':method': 'POST',
    ':path': path,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
  }
  return {
    name: 'node:http2',
    ask: () =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers)
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('error', reject)
        stream.on('end', () => {
          JSON.parse(Buffer.concat(chunks).toString())
          resolve()
        })
        stream.end(body)
      }),
    close: () => session.destroy(),
  }
}

function clientNode({ kubeconfig }: Place): Client {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const api = config.makeApiClient(AuthorizationV1Api)
  return {
    name: '@kubernetes/client-node',
    async ask() {
      await api.createSubjectAccessReview({ body: review })
    },
    close: () => {},
  }
}

const makers = [ours, bare, clientNode]

async function measure(client: Client, inFlight: number, ms: number): Promise<Cost> {
  const latencies: number[] = []
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const end = startedAt + ms
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < end) {
        const at = performance.now()
        await client.ask()
        latencies.push(performance.now() - at)
      }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  latencies.sort((a, b) => a - b)
  return {
    perSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuMicros: (user + system) / latencies.length,
  }
}

/** Requests per connection, counted on the way. */
async function countConnections(server: TestApiServer, make: (place: Place) => Client): Promise<string> {
  let connections = 0
  const sockets = new Set<{ destroy(): void }>()
  const counter = createServer(near => {
    connections++
    const far = dial(server.port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>(resolve => counter.listen(0, '127.0.0.1', resolve))
  const client = make(await placeOf(server, portOf(counter)))
  const requests = 40
  for (let n = 0; n < requests; n++) await client.ask()
  client.close()
  for (const socket of sockets) socket.destroy()
  counter.close()
  return `${requests} / ${connections}`
}

async function placeOf(server: TestApiServer, port: number): Promise<Place> {
  const kubeconfig = await server.kubeconfig({ user: 'admin' })
  writeFileSync(kubeconfig, readFileSync(kubeconfig, 'utf8').replaceAll(`:${server.port}`, `:${port}`))
  return { port, ca: readFileSync(server.caFile, 'utf8'), token: server.adminToken, kubeconfig }
}

async function main(): Promise<void> {
  const server = await startApiServer({ audit: false })
  try {
    const place = await placeOf(server, server.port)
    const clients = makers.map(make => make(place))
    const rounds = values.quick ? 3 : 7
    const ms = values.quick ? 700 : 1500
    for (const client of clients) await measure(client, 8, 2000) // also warms the API server
    const rows: string[][] = []
    for (const inFlight of [1, 8, 32]) {
      const costs = new Map<Client, Cost[]>(clients.map(client => [client, []]))
      // In turns, so that what else the machine does hits all of them.
      for (let round = 0; round < rounds; round++) {
        for (const client of clients) costs.get(client)?.push(await measure(client, inFlight, ms))
      }
      for (const [{ name }, all] of costs) {
        const of = (key: keyof Cost) => median(all.map(cost => cost[key]))
        rows.push([
          name,
          String(inFlight),
          of('perSecond').toFixed(0),
          of('p50Ms').toFixed(2),
          of('p99Ms').toFixed(2),
          of('cpuMicros').toFixed(0),
        ])
      }
    }
    console.table(
      rows.map(([client, inFlight, perSecond, p50, p99, cpu]) => ({
        client,
        'in flight': inFlight,
        'per second': perSecond,
        'p50 ms': p50,
        'p99 ms': p99,
        'CPU µs': cpu,
      })),
    )
    for (const client of clients) client.close()
    for (const [index, make] of makers.entries()) {
      console.log(`${clients[index]?.name}: requests / connections = ${await countConnections(server, make)}`)
    }
  } finally {
    await server.stop()
  }
}

if (values.help) console.log(help)
else await main()
