import { connect, type Socket } from 'node:net'
import type { BoundAddress, GrpcService } from '../grpc-transport.js'
import { encodeFields } from './hpack/encode-fields.js'
import { preface, readUint31, readUint32 } from './http2-codes.js'
import { createNativeTransport, type NativeTransportOptions } from './native-transport.js'

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

/** The bytes of a frame, whatever it may be. */
export function frame(type: number, flags: number, id: number, payload: Uint8Array | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload.replaceAll(' ', ''), 'hex') : Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, body])
}

export const echoPath = '/test.Echo/Say'

export function requestBlock(path = echoPath, more: readonly (readonly [string, string])[] = []): Buffer {
  return encodeFields([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'a'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ])
}

/** A message of gRPC, as it is in DATA. */
export function message(text: string | Uint8Array): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/** A client that says what it is told to say, right or wrong. */
export class RawClient {
  readonly socket: Socket
  readonly frames: Frame[] = []
  closed = false
  #bytes = Buffer.alloc(0)

  constructor(address: BoundAddress) {
    this.socket = address.kind === 'tcp' ? connect(address.port, address.host) : connect(address.path)
    this.socket.setNoDelay(true)
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
    })
    this.socket.on('data', chunk => this.#onChunk(chunk))
  }

  send(...parts: Uint8Array[]): this {
    this.socket.write(Buffer.concat(parts))
    return this
  }

  /** The preface, and SETTINGS of nothing. */
  hello(): this {
    return this.send(preface, frame(4, 0, 0), frame(4, 1, 0))
  }

  /** What came, in short: how streams and the connection ended, among others. */
  said(): string[] {
    return this.frames.flatMap(({ type, id, flags, payload }) => {
      switch (type) {
        case 0:
          return [`data ${id} ${payload.length}${flags & 1 ? ' end' : ''}`]
        case 1:
          return [`headers ${id}${flags & 1 ? ' end' : ''}`]
        case 3:
          return [`reset ${id} ${readUint32(payload, 0)}`]
        case 6:
          return [`ping${flags & 1 ? ' ack' : ''}`]
        case 7:
          return [`goaway ${readUint31(payload, 0)} ${readUint32(payload, 4)}`]
        default:
          return []
      }
    })
  }

  #onChunk(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    while (this.#bytes.length >= 9) {
      const length = this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < 9 + length) return
      const [type = 0, flags = 0] = this.#bytes.subarray(3, 5)
      this.frames.push({ type, flags, id: readUint31(this.#bytes, 5), payload: this.#bytes.subarray(9, 9 + length) })
      this.#bytes = this.#bytes.subarray(9 + length)
    }
  }
}

/** Opens what must be closed again. */
export class Bench {
  readonly #cleanups: (() => unknown)[] = []

  async start(services: readonly GrpcService[], options: Partial<NativeTransportOptions> = {}) {
    const errors: string[] = []
    const transport = createNativeTransport(services, {
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      onError: text => errors.push(text),
      ...options,
    })
    this.onClose(() => transport.stop())
    const address = await transport.start()
    return { transport, address, errors }
  }

  client(address: BoundAddress): RawClient {
    const client = new RawClient(address)
    this.onClose(() => client.socket.destroy())
    return client
  }

  onClose(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup)
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup()
  }
}
