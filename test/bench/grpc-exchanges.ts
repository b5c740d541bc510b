import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js'
import { envoy } from '../../gen/wire.js'
import { extAuthzService } from '../../src/doors/ext-authz/ext-authz-door.js'
import { extProcService } from '../../src/doors/ext-proc/ext-proc-door.js'
import { scaleRequest } from './check-requests.js'
import { type ExchangeMessages, exchangeMessages } from './exchange-messages.js'
import { writePolicies } from './policies.js'
import { serveArguments } from './run-bench.js'
import { type Code, ServerProcess } from './server-process.js'
import { median } from './statistics.js'
import { createTokenIssuer } from './tokens.js'

export interface GrpcExchangeOptions {
  readonly code: Code
  readonly pinned: boolean
  readonly rounds: number
  /** Of one round, of each kind. */
  readonly exchanges: number
}

/** What seeing the answer of a call costs over gRPC; the server's processor time, medians of the rounds. */
export interface GrpcExchangeCost {
  /** Microseconds per call: one unary call. */
  readonly check: number
  /** The same with one stream in both directions around it, which the gateway cancels in the end. */
  readonly answer: number
  readonly ratio: number
}

/** Calls under way at the same time, each on connections of its own. */
const workers = 16
/** As in our configurations for Envoy: more cancelled streams would end the connection. */
const exchangesPerConnection = 900

/** One server with both doors, and the two kinds of exchanges in turns. */
export async function measureGrpcExchanges(options: GrpcExchangeOptions): Promise<GrpcExchangeCost> {
  const { code, pinned, rounds, exchanges } = options
  const issuer = createTokenIssuer()
  const policies = writePolicies(issuer.jwks)
  const more = [
    'listeners.1.door=ext-proc',
    'listeners.1.name=ext-proc',
    'listeners.1.host=127.0.0.1',
    'listeners.1.port=0',
  ]
  const args = serveArguments(code, policies.directory, more)
  const server = await ServerProcess.start({ name: 'both doors', code, pinned, args }).catch(error => {
    policies.remove()
    throw error
  })
  const gateways: Gateway[] = []
  try {
    const [token = ''] = issuer.mint(1)
    const call = scaleRequest(token, 3)
    const first = new Gateway(server, call)
    gateways.push(first)
    const said = await first.check()
    const answer = Buffer.from('{"jsonrpc":"2.0","id":4711,"result":{"content":[]}}')
    const messages = exchangeMessages({ token, session: 'c1b1f8f2-6d3c-4f0e-8a55-0f6ad7f0a9b3', said, answer })
    for (let at = 1; at < workers; at++) gateways.push(new Gateway(server, call))
    const check = () => cpuOf(server, gateways, exchanges, gateway => gateway.check())
    const both = () => cpuOf(server, gateways, exchanges, gateway => gateway.exchange(messages))
    // The compiler of the server must have done its work.
    for (let round = 0; round < 2; round++) await check().then(both)
    const samples: { readonly check: number; readonly answer: number }[] = []
    for (let round = 0; round < rounds; round++) samples.push({ check: await check(), answer: await both() })
    return {
      check: median(samples.map(one => one.check)),
      answer: median(samples.map(one => one.answer)),
      ratio: median(samples.map(one => one.answer / one.check)),
    }
  } finally {
    for (const gateway of gateways) gateway.close()
    await server.stop()
    policies.remove()
  }
}

/** The report for people. */
export function printGrpcExchanges({ check, answer, ratio }: GrpcExchangeCost): string {
  return [
    'The same over gRPC: processor time of the server per call, where requests are seen only, and where answers are as well',
    `${check.toFixed(0)} µs and ${answer.toFixed(0)} µs: ${ratio.toFixed(2)} times as much`,
  ].join('\n')
}

/** Microseconds of the server's processor time per exchange. */
async function cpuOf(
  server: ServerProcess,
  gateways: readonly Gateway[],
  exchanges: number,
  run: (gateway: Gateway) => Promise<unknown>,
): Promise<number> {
  const before = await server.usage()
  let left = exchanges
  await Promise.all(
    gateways.map(async gateway => {
      while (left-- > 0) await run(gateway)
    }),
  )
  const after = await server.usage()
  return (after.cpuMicros - before.cpuMicros) / exchanges
}

const pass = (bytes: Buffer) => bytes
const { CheckResponse } = envoy.service.auth.v3
const { ProcessingResponse } = envoy.service.ext_proc.v3

/** What stands between clients and a server: one exchange after the other. */
class Gateway {
  readonly #server: ServerProcess
  readonly #call: Buffer
  readonly #checks: Client
  #answers: Client
  #left = exchangesPerConnection

  constructor(server: ServerProcess, call: Buffer) {
    this.#server = server
    this.#call = call
    this.#checks = this.#connect('ext-authz')
    this.#answers = this.#connect('ext-proc')
  }

  #connect(listener: string): Client {
    const port = this.#server.ports.get(listener) ?? 0
    return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  }

  /** What ext_authz says of the call beside that it is allowed. */
  check() {
    return new Promise<NonNullable<envoy.service.auth.v3.ICheckResponse['dynamicMetadata']>>((resolve, reject) => {
      const deadline = Date.now() + 10_000
      const path = `/${extAuthzService}/Check`
      this.#checks.makeUnaryRequest(path, pass, pass, this.#call, new Metadata(), { deadline }, (error, bytes) => {
        if (error !== null || bytes === undefined) return reject(error ?? new Error('no answer'))
        const { status, dynamicMetadata } = CheckResponse.decode(bytes)
        if (status?.code || !dynamicMetadata) return reject(new Error('the benchmark is denied'))
        resolve(dynamicMetadata)
      })
    })
  }

  /** The request is shown, decided about, and its answer is shown. */
  async exchange({ requestHeaders, responseHeaders }: ExchangeMessages): Promise<void> {
    if (this.#left-- === 0) {
      this.#answers.close()
      this.#answers = this.#connect('ext-proc')
      this.#left = exchangesPerConnection - 1
    }
    const metadata = new Metadata()
    metadata.set('mcp-server', 'kubernetes')
    const stream = this.#answers.makeBidiStreamRequest(`/${extProcService}/Process`, pass, pass, metadata, {
      deadline: Date.now() + 10_000,
    })
    stream.on('error', () => undefined)
    await said(stream, requestHeaders, 'requestHeaders')
    await this.check()
    await said(stream, responseHeaders, 'responseHeaders')
    stream.cancel()
  }

  close(): void {
    this.#checks.close()
    this.#answers.close()
  }
}

function said(stream: ClientDuplexStream<Buffer, Buffer>, message: Buffer, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(error)
    stream.once('error', failed)
    stream.once('data', (bytes: Buffer) => {
      stream.off('error', failed)
      const { response } = ProcessingResponse.decode(bytes)
      if (response === expected) resolve()
      else reject(new Error(`${response} in place of ${expected}`))
    })
    stream.write(message)
  })
}
