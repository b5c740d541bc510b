import { connect } from 'node:net'
import type { CaseRequest } from '../support/case-request.js'
import {
  ACK,
  END_STREAM,
  encodeHeaders,
  FRAME,
  frame,
  headerFrames,
  readStatus,
  uint32,
  unpad,
} from './http2-frames.js'
import { createUpload } from './http2-upload.js'
import { ANSWER_TIMEOUT_MS, toldAnEvent, type WireAnswer } from './wire-request.js'

const STREAM = 1
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/**
 * One request over HTTP/2 with prior knowledge, on a connection of its own. The frames are written here because client
 * libraries refuse to send what a hostile client sends: headers that repeat, names in capitals, values of any byte.
 */
export function http2Exchange(port: number, request: CaseRequest, apart: boolean): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)))
    let status = 0
    const parts: Buffer[] = []
    const body = (): string => Buffer.concat(parts).toString('utf8')
    const done = (): void => {
      resolve({ status, body: body(), headers: new Map() })
      socket.destroy()
    }
    const upload = createUpload(socket, STREAM, request.body ?? Buffer.alloc(0), apart)
    // A table of our own for compressed headers would have to be kept in step: the peer is told not to use one.
    socket.write(
      Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0, Buffer.from([0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]))]),
    )
    const hasBody = request.body !== undefined || request.method === 'POST'
    const endsHere = !hasBody || (request.body === undefined && !apart)
    for (const part of headerFrames(encodeHeaders(fields(request)), STREAM, endsHere)) socket.write(part)
    if (!endsHere) upload.more()

    const receive = (type: number, flags: number, stream: number, payload: Buffer): void => {
      switch (type) {
        case FRAME.settings:
          if ((flags & ACK) !== 0) return
          upload.settings(payload)
          socket.write(frame(FRAME.settings, ACK, 0, Buffer.alloc(0)))
          return
        case FRAME.ping:
          if ((flags & ACK) === 0) socket.write(frame(FRAME.ping, ACK, 0, payload))
          return
        case FRAME.windowUpdate:
          upload.window(stream, payload.readUInt32BE(0) & 0x7fffffff)
          return
        case FRAME.headers: {
          const code = readStatus(unpad(payload, flags))
          if (code >= 200) status = code
          // The event stream that a GET opens may stay silent.
          if ((flags & END_STREAM) !== 0 || (request.method === 'GET' && status === 200)) done()
          return
        }
        case FRAME.data: {
          parts.push(unpad(payload, flags))
          if ((flags & END_STREAM) !== 0 || toldAnEvent(body())) done()
          else if (payload.length > 0)
            for (const id of [0, STREAM]) socket.write(frame(FRAME.windowUpdate, 0, id, uint32(payload.length)))
          return
        }
        case FRAME.reset:
        case FRAME.goAway:
          done()
          return
        default:
      }
    }
    let pending: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      while (pending.length >= 9) {
        const length = pending.readUIntBE(0, 3)
        if (pending.length < 9 + length) break
        const [type = 0, flags = 0] = pending.subarray(3, 5)
        receive(type, flags, pending.readUInt32BE(5) & 0x7fffffff, pending.subarray(9, 9 + length))
        pending = pending.subarray(9 + length)
      }
    })
    socket.on('error', error => ('code' in error ? done() : reject(error)))
    socket.on('close', done)
  })
}

/** Names in lower case, as case-request.ts has it; what belongs to a connection is left to the case. */
function fields({ method, authority, target, headers }: CaseRequest): (readonly [string, string])[] {
  const pseudo = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', authority],
    [':path', target],
  ] as const
  return [...pseudo, ...headers.map(([name, value]) => [name.toLowerCase(), value] as const)]
}
