import { encodeFields } from './hpack/encode-fields.js'

/** The codes of gRPC that we answer with by ourselves. */
export const statusCodes = {
  ok: 0,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
} as const

export type StatusCode = (typeof statusCodes)[keyof typeof statusCodes]

const responseFields = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
] as const

/** Block of the head of every answer. */
export const responseStart = encodeFields(responseFields)

/** Block behind every answer. */
export const trailersOk = encodeFields([['grpc-status', '0']])

/** How a call ends that was not answered, as blocks made once. */
export interface Failure {
  readonly trailers: Buffer
  /** Head and trailers in one, where nothing was sent before. */
  readonly trailersOnly: Buffer
}

/** @param message for whoever reads the log of the gateway; nothing of a request */
export function failure(
  code: StatusCode,
  message: string,
  more: readonly (readonly [name: string, value: string])[] = [],
): Failure {
  const fields = [['grpc-status', String(code)] as const, ['grpc-message', encodeMessage(message)] as const, ...more]
  return { trailers: encodeFields(fields), trailersOnly: encodeFields([...responseFields, ...fields]) }
}

/** As gRPC over HTTP/2 writes `Status-Message`: UTF-8, and all but printable ASCII, and the percent sign, as %XX. */
export function encodeMessage(message: string): string {
  let encoded = ''
  for (const octet of Buffer.from(message, 'utf8')) {
    encoded +=
      octet >= 0x20 && octet <= 0x7e && octet !== 0x25
        ? String.fromCharCode(octet)
        : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
