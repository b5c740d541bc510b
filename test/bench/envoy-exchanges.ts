import { randomBytes } from 'node:crypto'
import { Agent, createServer, request } from 'node:http'
import { portOf } from '../../src/demo/free-port.js'
import { type Stand, startStand } from '../e2e/support/stand.js'
import { median } from './statistics.js'

export interface EnvoyExchangeOptions {
  readonly rounds: number
  /** Calls of one round through each gateway, as fast as it goes. */
  readonly calls: number
  /** Calls one after the other, through both gateways in turns. */
  readonly single: number
}

/** A call through Envoy where requests are seen only, and where answers are as well, sessions bound. */
export interface EnvoyExchangeCost {
  /** Milliseconds per call, one after the other; medians. */
  readonly checkMs: number
  readonly answerMs: number
  /** Calls per second with the answer seen by calls without, as fast as it goes; median of the rounds. */
  readonly throughput: number
}

const underWay = 8

/** Two of everything in one run, on one machine: what disturbs one disturbs the other. */
export async function measureEnvoyExchanges(options: EnvoyExchangeOptions): Promise<EnvoyExchangeCost> {
  const stands: Stand[] = []
  const clients: Client[] = []
  try {
    for (const responseDoor of [undefined, { keys: [randomBytes(32).toString('base64')] }]) {
      const stand = await startStand({ startServer, ...(responseDoor && { responseDoor }) })
      stands.push(stand)
      clients.push(new Client(stand.url, await stand.idp.login('alice')))
    }
    const [check, answer] = clients
    if (check === undefined || answer === undefined) throw new Error('two gateways are compared')
    for (const client of clients) await perSecond(client, options.calls)
    const times: { readonly check: number; readonly answer: number }[] = []
    for (let call = 0; call < options.single; call++)
      times.push({ check: await check.call(), answer: await answer.call() })
    const ratios: number[] = []
    for (let round = 0; round < options.rounds; round++) {
      const [before, after] = [await perSecond(check, options.calls), await perSecond(answer, options.calls)]
      ratios.push(after / before)
    }
    return {
      checkMs: median(times.map(time => time.check)),
      answerMs: median(times.map(time => time.answer)),
      throughput: median(ratios),
    }
  } finally {
    for (const client of clients) client.close()
    for (const stand of stands) await stand.stop()
  }
}

/** The report for people. */
export function printEnvoyExchanges({ checkMs, answerMs, throughput }: EnvoyExchangeCost): string {
  const added = (answerMs - checkMs).toFixed(2)
  return [
    'A call through Envoy, where requests are seen only, and where answers are as well and sessions are bound',
    `one after the other: ${checkMs.toFixed(2)} ms and ${answerMs.toFixed(2)} ms, ${added} ms more (medians)`,
    `as fast as it goes: ${(throughput * 100).toFixed(0)} % of the calls per second (Envoy, mcp-authz, server and load on the same cores)`,
  ].join('\n')
}

const result = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"web-1 Running"}]}}')

/** Does nothing but answer. */
async function startServer() {
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(result)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const stop = async () => {
    server.closeAllConnections()
    server.close()
  }
  return { origin: `http://127.0.0.1:${portOf(server)}`, stop }
}

const message = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'pods_list_in_namespace', arguments: { namespace: 'team-a' } },
})

class Client {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #url: string
  readonly #headers: Readonly<Record<string, string | number>>

  constructor(url: string, token: string) {
    this.#url = url
    this.#headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(message),
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    }
  }

  /** Milliseconds. */
  call(): Promise<number> {
    return new Promise((resolve, reject) => {
      const start = performance.now()
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers: this.#headers }, response => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const body = Buffer.concat(pieces)
          if (body.equals(result)) resolve(performance.now() - start)
          else
            reject(new Error(`not the answer of the server: ${response.statusCode} ${body.toString().slice(0, 200)}`))
        })
      })
      sent.on('error', reject)
      sent.end(message)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function perSecond(client: Client, calls: number): Promise<number> {
  let left = calls
  const start = performance.now()
  const worker = async () => {
    while (left-- > 0) await client.call()
  }
  await Promise.all(Array.from({ length: underWay }, worker))
  return calls / ((performance.now() - start) / 1000)
}
