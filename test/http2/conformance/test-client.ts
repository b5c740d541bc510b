import { readFileSync } from 'node:fs'
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js'
import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import { clientFiles, type Line } from './transports.js'

export interface Ended {
  readonly code: number
  readonly details: string
}

const pass = (bytes: Buffer) => bytes

/** Milliseconds after which a call that should have ended long ago fails its test. */
const patience = 120_000

/** A client of grpc-js with one connection. */
export class TestClient {
  readonly #client: Client

  constructor(address: BoundAddress, line: Line) {
    const target = address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`
    const [ca, key, cert] = [clientFiles.ca, clientFiles.key, clientFiles.cert].map(file => readFileSync(file))
    const creds =
      line === 'tls' ? credentials.createSsl(ca ?? null, key ?? null, cert ?? null) : credentials.createInsecure()
    this.#client = new Client(target, creds, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': 8 * 1024 * 1024,
      // An address is no name that TLS could ask for.
      ...(line === 'tls' && { 'grpc.ssl_target_name_override': 'localhost' }),
    })
  }

  unary(path: string, message: Buffer, timeoutMs = patience): Promise<Buffer | Ended> {
    return new Promise(resolve => {
      const options = { deadline: Date.now() + timeoutMs }
      this.#client.makeUnaryRequest(path, pass, pass, message, new Metadata(), options, (error, answer) =>
        resolve(error === null ? (answer ?? Buffer.alloc(0)) : { code: error.code, details: error.details }),
      )
    })
  }

  /** A call of any kind: on the wire all are streams in both directions. */
  open(path: string, timeoutMs = patience): TestStream {
    return new TestStream(
      this.#client.makeBidiStreamRequest(path, pass, pass, new Metadata(), { deadline: Date.now() + timeoutMs }),
    )
  }

  close(): void {
    this.#client.close()
  }
}

export class TestStream {
  readonly ended: Promise<Ended>
  readonly #call: ClientDuplexStream<Buffer, Buffer>
  readonly #messages: AsyncIterator<Buffer>

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call
    call.on('error', () => undefined)
    this.ended = new Promise(resolve => call.on('status', ({ code, details }) => resolve({ code, details })))
    this.#messages = call[Symbol.asyncIterator]()
  }

  send(message: Buffer): void {
    this.#call.write(message)
  }

  /** Says that nothing more is sent. */
  end(): void {
    this.#call.end()
  }

  cancel(): void {
    this.#call.cancel()
  }

  /** The next message; undefined when there is none any more, for whatever reason. */
  async next(): Promise<Buffer | undefined> {
    try {
      const next = await this.#messages.next()
      return next.done === true ? undefined : next.value
    } catch {
      return undefined
    }
  }

  async rest(): Promise<Buffer[]> {
    const messages: Buffer[] = []
    for (let next = await this.next(); next !== undefined; next = await this.next()) messages.push(next)
    return messages
  }
}
