import { connect, type Socket } from 'node:net'

/** What is wanted of an answer: `code` of the google.rpc.Status that every CheckResponse of ours begins with. */
export interface CheckAnswer {
  /** 0 is an allow; -1 when the call ended without a CheckResponse. */
  readonly code: number
  /** As given to {@link Http2Connection.send}. */
  readonly startedAt: number
  /** As given to {@link Http2Connection.send}. */
  readonly tag: number
  /** The message itself, empty when there was none; valid until the next answer. */
  readonly message: Buffer
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
const frameHeader = 9
/** Length of the message and a byte that says "not compressed". */
const messageHeader = 5
const largeWindow = 2 ** 30

/** Frame types and flags of RFC 9113, section 6. */
const DATA = 0x0
const HEADERS = 0x1
const RST_STREAM = 0x3
const SETTINGS = 0x4
const PING = 0x6
const GOAWAY = 0x7
const WINDOW_UPDATE = 0x8
const END_STREAM = 0x1
const ACK = 0x1
const END_HEADERS = 0x4

interface Pending {
  readonly startedAt: number
  readonly tag: number
  code: number
  message: Buffer
}

const nothing = Buffer.alloc(0)

/**
 * One connection of a load generator: just enough HTTP/2 to make unary gRPC calls with messages that are encoded
 * already. It does a fraction of the work of a real client, so that it is never what a benchmark measures. Header blocks
 * of answers are not decoded; a call without a message is a failure, whatever its trailers say.
 */
export class Http2Connection {
  onAnswer: (answer: CheckAnswer) => void = () => undefined
  readonly #socket: Socket
  readonly #firstHeaders: Buffer
  readonly #laterHeaders: Buffer
  readonly #pending = new Map<number, Pending>()
  readonly #queue: { readonly message: Buffer; readonly streamId: number }[] = []
  #rest: Buffer = Buffer.alloc(0)
  #nextStream = 1
  /** Bytes that the server accepts at the moment (RFC 9113, section 5.2); its windows per stream are never reached. */
  #sendWindow = 65_535
  #received = 0

  private constructor(socket: Socket, path: string, authority: string) {
    this.#socket = socket
    this.#firstHeaders = headerBlock(path, authority)
    this.#laterHeaders = indexedHeaderBlock
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('close', () => this.#lose())
    socket.on('error', () => this.#lose())
  }

  static async open(port: number, path: string): Promise<Http2Connection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    const connection = new Http2Connection(socket, path, `127.0.0.1:${port}`)
    // SETTINGS_ENABLE_PUSH 0, SETTINGS_INITIAL_WINDOW_SIZE large.
    const settings = Buffer.from([0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0])
    settings.writeUInt32BE(largeWindow, 8)
    socket.write(Buffer.concat([preface, frame(SETTINGS, 0, 0, settings), windowUpdate(largeWindow)]))
    return connection
  }

  get inFlight(): number {
    return this.#pending.size
  }

  /** Queues one call; {@link flush} sends what is queued. `startedAt` and `tag` come back with the answer. */
  send(message: Buffer, startedAt: number, tag = 0): void {
    const streamId = this.#nextStream
    this.#nextStream += 2
    this.#pending.set(streamId, { startedAt, tag, code: -1, message: nothing })
    this.#queue.push({ message, streamId })
  }

  /** One write for all queued calls, as far as the server's window allows. */
  flush(): void {
    let size = 0
    let count = 0
    let window = this.#sendWindow
    for (const { message, streamId } of this.#queue) {
      const dataLength = messageHeader + message.length
      if (dataLength > window) break
      window -= dataLength
      size += 2 * frameHeader + this.#headersFor(streamId).length + dataLength
      count++
    }
    if (count === 0) return
    this.#sendWindow = window
    const out = Buffer.allocUnsafe(size)
    let at = 0
    for (const { message, streamId } of this.#queue.splice(0, count)) {
      const headers = this.#headersFor(streamId)
      at = writeFrameHeader(out, at, headers.length, HEADERS, END_HEADERS, streamId)
      at += headers.copy(out, at)
      at = writeFrameHeader(out, at, messageHeader + message.length, DATA, END_STREAM, streamId)
      out[at] = 0
      out.writeUInt32BE(message.length, at + 1)
      at += messageHeader
      at += message.copy(out, at)
    }
    this.#socket.write(out)
  }

  close(): void {
    this.#socket.destroy()
  }

  /** The first block fills the server's table, as a gateway's does; later ones are indexes into it (RFC 7541). */
  #headersFor(streamId: number): Buffer {
    return streamId === 1 ? this.#firstHeaders : this.#laterHeaders
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#received += chunk.length
    if (this.#received > largeWindow / 2) {
      this.#socket.write(windowUpdate(this.#received))
      this.#received = 0
    }
    let at = 0
    while (bytes.length - at >= frameHeader) {
      const end = at + frameHeader + bytes.readUIntBE(at, 3)
      if (end > bytes.length) break
      const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff
      this.#frame(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), streamId, bytes.subarray(at + frameHeader, end))
      at = end
    }
    this.#rest = bytes.subarray(at)
    this.flush()
  }

  #frame(type: number, flags: number, streamId: number, payload: Buffer): void {
    switch (type) {
      case DATA: {
        const pending = this.#pending.get(streamId)
        if (pending !== undefined && payload.length > messageHeader) {
          pending.code = statusCode(payload)
          pending.message = payload.subarray(messageHeader)
        }
        if (flags & END_STREAM) this.#settle(streamId)
        break
      }
      case HEADERS:
        if (flags & END_STREAM) this.#settle(streamId)
        break
      case RST_STREAM:
        this.#settle(streamId)
        break
      case SETTINGS:
        if (!(flags & ACK)) this.#socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)))
        break
      case PING:
        if (!(flags & ACK)) this.#socket.write(frame(PING, ACK, 0, payload))
        break
      case WINDOW_UPDATE:
        if (streamId === 0) this.#sendWindow += payload.readUInt32BE(0)
        break
      case GOAWAY:
        this.#socket.destroy()
        break
    }
  }

  #settle(streamId: number): void {
    const pending = this.#pending.get(streamId)
    if (pending === undefined) return
    this.#pending.delete(streamId)
    this.onAnswer(pending)
  }

  #lose(): void {
    this.#queue.length = 0
    for (const [streamId, pending] of this.#pending) {
      pending.code = -1
      this.#settle(streamId)
    }
  }
}

/**
 * `0a 02 08 <code>` behind the message header: see the encoder of CheckResponse, which is held to it. Where a zero is left
 * out, as proto3 has it, `0a 00`.
 */
function statusCode(payload: Buffer): number {
  if (payload[5] === 0x0a && payload[6] === 0) return 0
  const wellFormed = payload[5] === 0x0a && payload[6] === 2 && payload[7] === 0x08
  return wellFormed ? (payload[8] ?? -1) : -1
}

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(frameHeader)
  writeFrameHeader(header, 0, payload.length, type, flags, streamId)
  return Buffer.concat([header, payload])
}

function writeFrameHeader(
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  out.writeUIntBE(length, at, 3)
  out[at + 3] = type
  out[at + 4] = flags
  return out.writeUInt32BE(streamId, at + 5)
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return frame(WINDOW_UPDATE, 0, 0, payload)
}

/** `:method POST` and `:scheme http` stand in the static table; the rest goes into the dynamic one, in this order. */
function headerBlock(path: string, authority: string): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')])
  const added = [
    [':path', path],
    [':authority', authority],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['grpc-timeout', '5S'],
  ] as const
  const literals = added.map(([name, value]) => Buffer.concat([Buffer.of(0x40), text(name), text(value)]))
  return Buffer.concat([Buffer.of(0x83, 0x86), ...literals])
}

/** The five added headers as indexes: the first that was added has the highest number. */
const indexedHeaderBlock = Buffer.of(0x83, 0x86, 0x80 | 66, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62)
