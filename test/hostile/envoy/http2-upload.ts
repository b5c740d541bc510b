import type { Socket } from 'node:net'
import { END_STREAM, FRAME, frame, MAX_FRAME } from './http2-frames.js'

/** RFC 9113, section 6.9.2. */
const INITIAL_WINDOW = 65_535
const SETTINGS_INITIAL_WINDOW = 4

export interface Upload {
  /** Begins, or goes on. */
  more(): void
  /** Takes the peer's SETTINGS. */
  settings(payload: Buffer): void
  /** Takes a WINDOW_UPDATE of a stream, or of the connection (0). */
  window(id: number, size: number): void
}

/** Sends the body as far as the two windows allow (RFC 9113, section 5.2). */
export function createUpload(socket: Socket, stream: number, body: Buffer, apart: boolean): Upload {
  const windows = { connection: INITIAL_WINDOW, stream: INITIAL_WINDOW }
  let initial = INITIAL_WINDOW
  let sent = 0
  let begun = false
  let ended = false
  const end = (): void => {
    ended = true
    // In a later packet, so that what came before is read on its own.
    if (apart) setImmediate(() => socket.write(frame(FRAME.data, END_STREAM, stream, Buffer.alloc(0))))
  }
  const more = (): void => {
    begun = true
    while (!ended) {
      const rest = body.length - sent
      const size = Math.min(rest, MAX_FRAME, windows.connection, windows.stream)
      if (size <= 0 && rest > 0) return
      const last = size === rest
      if (size > 0 || !apart)
        socket.write(frame(FRAME.data, last && !apart ? END_STREAM : 0, stream, body.subarray(sent, sent + size)))
      sent += size
      windows.connection -= size
      windows.stream -= size
      if (last) end()
    }
  }
  return {
    more,
    settings(payload: Buffer): void {
      for (let at = 0; at + 6 <= payload.length; at += 6) {
        if (payload.readUInt16BE(at) !== SETTINGS_INITIAL_WINDOW) continue
        const value = payload.readUInt32BE(at + 2)
        windows.stream += value - initial
        initial = value
      }
      if (begun) more()
    },
    window(id: number, size: number): void {
      windows[id === 0 ? 'connection' : 'stream'] += size
      if (begun) more()
    },
  }
}
