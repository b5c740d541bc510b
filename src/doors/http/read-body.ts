import type { IncomingMessage } from 'node:http'

export type ReadBody =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly problem: 'too large' | 'gone' }

const maxChunks = 1024

/** The body of a request, of which no more than `maxBytes` are ever kept. Never rejects. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<ReadBody> {
  const stated = request.headers['content-length']
  if (stated !== undefined && Number(stated) > maxBytes) return Promise.resolve({ ok: false, problem: 'too large' })
  return new Promise(resolve => {
    let chunks: Buffer[] = []
    let length = 0
    const end = (result: ReadBody) => {
      request.removeAllListeners('data')
      resolve(result)
    }
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) {
        request.pause()
        end({ ok: false, problem: 'too large' })
        return
      }
      chunks.push(chunk)
      // A body in chunks of a byte each would take a hundred times its size.
      if (chunks.length > maxChunks) chunks = [Buffer.concat(chunks, length)]
    })
    request.on('end', () => end({ ok: true, bytes: Buffer.concat(chunks, length) }))
    request.on('error', () => end({ ok: false, problem: 'gone' }))
    request.on('close', () => end({ ok: false, problem: 'gone' }))
  })
}
