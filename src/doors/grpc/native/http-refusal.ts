import { encodeFields } from './hpack/encode-fields.js'
import { Http2Stream } from './http2-stream.js'
import type { Session } from './session.js'

export interface HttpAnswer {
  readonly block: Buffer
  readonly body: Buffer
}

function answer(status: string, text: string, more: readonly (readonly [string, string])[] = []): HttpAnswer {
  const body = Buffer.from(text, 'utf8')
  const fields = [
    [':status', status],
    ['content-type', 'text/plain'],
    ['content-length', String(body.length)],
    ...more,
  ] as const
  return { block: encodeFields(fields), body }
}

/** What is said to those who do not speak gRPC. */
export const httpAnswers = {
  method: answer('405', 'This is a service of gRPC: requests are POST.\n', [['allow', 'POST']]),
  /** The same to HEAD, which gets no body. */
  head: answer('405', '', [['allow', 'POST']]),
  contentType: answer('415', 'This is a service of gRPC: the content type is application/grpc.\n'),
} as const

/** Bodies are not read further than this. Bytes. */
const enough = 32 * 1024

const endOfBody = Buffer.alloc(0)

/** Answers with plain HTTP when the request has ended, or when it has been long enough. */
export class HttpRefusal extends Http2Stream {
  readonly #answer: HttpAnswer
  #seen = 0

  constructor(session: Session, id: number, ended: boolean, answer: HttpAnswer) {
    super(session, id, ended)
    this.#answer = answer
  }

  onData(_bytes: Buffer, start: number, end: number): void {
    this.#seen += end - start
  }

  onPause(): void {
    if (this.#seen > enough) this.onRemoteEnd()
  }

  onRemoteEnd(): void {
    if (this.answered) return
    const { sender } = this.session
    sender.start(this, this.#answer.block)
    sender.data(this, this.#answer.body)
    sender.end(this, endOfBody)
  }

  onOpen(): void {}

  onRoom(): void {}

  onClosed(): void {}
}
