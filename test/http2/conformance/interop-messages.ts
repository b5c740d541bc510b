import { protobuf } from '../../e2e/support/protobuf-bytes.js'
import { ProtobufFields } from './protobuf-fields.js'

/** Messages of grpc/testing/messages.proto, as far as the cases use them. A payload is so many bytes; it has a type, which is always 0. */
export interface EchoStatus {
  readonly code: number
  readonly message: string
}

export interface UnaryRequest {
  readonly responseSize: number
  readonly payloadSize: number
  readonly wantsServerId: boolean
  readonly status: EchoStatus
}

export interface Part {
  readonly size: number
  /** Waited for before it is sent. Microseconds. */
  readonly intervalUs: number
}

export interface StreamRequest {
  readonly parts: readonly Part[]
  readonly payloadSize: number
  readonly status: EchoStatus
}

const payload = (size: number) => protobuf([2, Buffer.alloc(size)])
const statusOf = (fields: ProtobufFields) => ({
  code: fields.number(1),
  message: Buffer.from(fields.bytes(2)).toString(),
})
const sizeOf = (fields: ProtobufFields) => fields.message(3).bytes(2).length

/** SimpleRequest. */
export const unaryRequest = {
  encode: (responseSize: number, payloadSize: number): Buffer => protobuf([2, responseSize], [3, payload(payloadSize)]),
  decode(bytes: Uint8Array): UnaryRequest {
    const fields = new ProtobufFields(bytes)
    const wantsServerId = fields.number(9) !== 0
    return {
      responseSize: fields.number(2),
      payloadSize: sizeOf(fields),
      wantsServerId,
      status: statusOf(fields.message(7)),
    }
  },
} as const

/** StreamingOutputCallRequest. */
export const streamRequest = {
  encode: (parts: readonly Part[], payloadSize = 0): Buffer =>
    protobuf(...parts.map(({ size, intervalUs }) => [2, protobuf([1, size], [2, intervalUs])] as const), [
      3,
      payload(payloadSize),
    ]),
  decode(bytes: Uint8Array): StreamRequest {
    const fields = new ProtobufFields(bytes)
    const parts = fields.messages(2).map(part => ({ size: part.number(1), intervalUs: part.number(2) }))
    return { parts, payloadSize: sizeOf(fields), status: statusOf(fields.message(7)) }
  },
} as const

/** StreamingInputCallRequest. */
export const inputRequest = {
  encode: (payloadSize: number): Buffer => protobuf([1, payload(payloadSize)]),
  decode: (bytes: Uint8Array): number => new ProtobufFields(bytes).message(1).bytes(2).length,
} as const

/** SimpleResponse, and StreamingOutputCallResponse, which has no id. */
export const payloadResponse = {
  encode: (size: number, serverId = ''): Buffer =>
    serverId === '' ? protobuf([1, payload(size)]) : protobuf([1, payload(size)], [4, serverId]),
  decode: (bytes: Uint8Array): number => new ProtobufFields(bytes).message(1).bytes(2).length,
} as const

/** StreamingInputCallResponse. */
export const inputResponse = {
  encode: (sum: number): Buffer => protobuf([1, sum]),
  decode: (bytes: Uint8Array): number => new ProtobufFields(bytes).number(1),
} as const
