import { connect } from 'node:net'
import type { CaseRequest } from '../support/case-request.js'
import { ANSWER_TIMEOUT_MS, toldAnEvent, type WireAnswer } from './wire-request.js'

/** A request as the bytes of HTTP/1.1, whatever its headers hold. Names and values are taken as latin-1. */
export function http1Bytes({ method, target, authority, headers, body }: CaseRequest, chunked: boolean): Buffer {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  const lines = [`${method} ${target} HTTP/1.1`]
  if (!names.has('host')) lines.push(`Host: ${authority}`)
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  const framed = names.has('content-length') || names.has('transfer-encoding')
  const length = body?.length ?? 0
  if (chunked) lines.push('Transfer-Encoding: chunked')
  else if (!framed && (length > 0 || method === 'POST')) lines.push(`Content-Length: ${length}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  if (body === undefined) return chunked ? Buffer.concat([head, Buffer.from('0\r\n\r\n')]) : head
  return Buffer.concat([head, ...(chunked ? inChunks(body) : [body])])
}

function inChunks(body: Buffer): Buffer[] {
  const half = body.length >> 1
  const parts = [body.subarray(0, half), body.subarray(half)].filter(part => part.length > 0)
  const chunks = parts.flatMap(part => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')])
  return [...chunks, Buffer.from('0\r\n\r\n')]
}

/**
 * Sends these bytes on a connection of its own and reads the first final answer: whole, or up to the first event of an
 * event stream. What GET opens may be a stream that stays silent, and the answer to HEAD has no body.
 */
export function http1Exchange(port: number, bytes: Buffer, method = 'POST'): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)))
    const read = (closed: boolean): void => {
      const answer = readAnswer(text, closed, method)
      if (answer === undefined) return
      resolve(answer)
      socket.destroy()
    }
    socket.on('data', (chunk: string) => {
      text += chunk
      read(false)
    })
    // A gateway that refuses to read on may reset the connection behind its answer.
    socket.on('error', error => ('code' in error ? read(true) : reject(error)))
    socket.on('close', () => read(true))
  })
}

/** Undefined while more is to come. */
function readAnswer(text: string, closed: boolean, method: string): WireAnswer | undefined {
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(rest) ?? []
    if (end < 0 || status === undefined) return closed ? { status: 0, body: '', headers: new Map() } : undefined
    const [, ...lines] = rest.slice(0, end).split('\r\n')
    rest = rest.slice(end + 4)
    if (status.startsWith('1') && status !== '101') continue
    const headers = new Map(
      lines.map(line => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      }),
    )
    const answer = { status: Number(status), headers }
    const isStream = headers.get('content-type')?.startsWith('text/event-stream') === true
    if (method === 'HEAD' || (method === 'GET' && isStream)) return { ...answer, body: '' }
    const length = headers.get('content-length')
    const [body, whole] =
      length !== undefined
        ? [rest, rest.length >= Number(length)]
        : headers.get('transfer-encoding') === 'chunked'
          ? unchunk(rest)
          : [rest, status === '204' || status === '304']
    const utf8 = Buffer.from(body, 'latin1').toString('utf8')
    return whole || closed || toldAnEvent(utf8) ? { ...answer, body: utf8 } : undefined
  }
}

function unchunk(text: string): readonly [body: string, whole: boolean] {
  let body = ''
  let at = 0
  for (;;) {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return [body, false]
    const size = Number.parseInt(text.slice(at, end), 16)
    if (size === 0) return [body, true]
    body += text.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
    if (at > text.length) return [body, false]
  }
}
