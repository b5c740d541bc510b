import { connect, type Socket } from 'node:net'
import type { Answer, LoadConnection } from '../load.js'

const headEnd = Buffer.from('\r\n\r\n')

/**
 * One connection of a load generator that speaks HTTP/1.1, one request at a time: what is to be sent meanwhile waits. It sends
 * whole requests that were written before, and takes an answer for right (code 0) only when status and body are the expected ones.
 */
export class Http1Connection implements LoadConnection {
  onAnswer: (answer: Answer) => void = () => undefined
  /** The latest answer that was not the expected one. */
  wrongAnswer = ''
  readonly #socket: Socket
  readonly #expected: Buffer
  readonly #queue: { readonly message: Buffer; readonly startedAt: number }[] = []
  #sent = false
  #lost = false
  #received: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, expected: Buffer) {
    this.#socket = socket
    this.#expected = expected
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('close', () => this.#lose())
    socket.on('error', () => this.#lose())
  }

  static async open(port: number, expected: Buffer): Promise<Http1Connection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new Http1Connection(socket, expected)
  }

  get inFlight(): number {
    return this.#queue.length
  }

  send(message: Buffer, startedAt: number): void {
    if (this.#lost) setImmediate(() => this.onAnswer({ code: -1, startedAt }))
    else this.#queue.push({ message, startedAt })
  }

  flush(): void {
    const [next] = this.#queue
    if (next === undefined || this.#sent) return
    this.#sent = true
    this.#socket.write(next.message)
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const end = this.#received.indexOf(headEnd)
    if (end < 0) return
    const head = this.#received.toString('latin1', 0, end)
    const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(head) ?? []
    const bodyAt = end + headEnd.length
    if (this.#received.length < bodyAt + Number(length)) return
    const body = this.#received.subarray(bodyAt, bodyAt + Number(length))
    const isRight = head.startsWith('HTTP/1.1 200') && body.equals(this.#expected)
    if (!isRight) this.wrongAnswer = `${head}\n${body}`
    this.#received = Buffer.alloc(0)
    this.#settle(isRight ? 0 : -1)
    this.flush()
  }

  #settle(code: number): void {
    const answered = this.#queue.shift()
    this.#sent = false
    if (answered !== undefined) this.onAnswer({ code, startedAt: answered.startedAt })
  }

  #lose(): void {
    this.#lost = true
    while (this.#queue.length > 0) this.#settle(-1)
  }
}
