import { GrpcCall } from './grpc-call.js'
import { failures } from './grpc-failures.js'
import type { GrpcServer } from './grpc-server.js'
import type { HeaderField } from './hpack/header-field.js'
import { HttpRefusal, httpAnswers } from './http-refusal.js'
import type { Http2Stream } from './http2-stream.js'
import { parseTimeout } from './parse-timeout.js'
import { isGrpc, type RequestHead } from './request-head.js'
import type { Session } from './session.js'

/** What a well-formed request amounts to: a call, or a refusal in words that its sender understands. */
export function openCall(
  server: GrpcServer,
  session: Session,
  id: number,
  ended: boolean,
  head: RequestHead,
  fields: readonly HeaderField[],
): Http2Stream {
  if (head.method !== 'POST') {
    return new HttpRefusal(session, id, ended, head.method === 'HEAD' ? httpAnswers.head : httpAnswers.method)
  }
  if (!isGrpc(head.contentType)) return new HttpRefusal(session, id, ended, httpAnswers.contentType)
  const method = server.methods.get(head.path)
  const timeout = head.timeout === undefined ? undefined : parseTimeout(head.timeout)
  const call = new GrpcCall(session, id, ended, fields, timeout, method ?? noMethod, server)
  if (method === undefined) call.fail(failures.unknownMethod)
  else if (head.timeout !== undefined && timeout === undefined) call.fail(failures.badTimeout)
  else if (timeout === 0) call.fail(failures.deadline)
  return call
}

const noMethod = { kind: 'unary', handler: () => new Uint8Array(0) } as const
