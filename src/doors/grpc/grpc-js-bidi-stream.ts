import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import type { BidiReceiver, BidiStreamHandler, CallContext } from './grpc-transport.js'
import { toBuffer } from './to-buffer.js'

/** Bytes that may wait to leave before a sender is told to wait. */
const sendAhead = 256 * 1024

/**
 * Runs a handler on one stream of grpc-js. Reading stops while the handler is busy: HTTP/2 flow control then holds the
 * caller back (grpc-js reads up to 16 messages ahead).
 * @param onClosed called once, when nothing of the stream is left
 */
export function attachBidiStream(
  call: ServerDuplexStream<Buffer, Buffer>,
  handler: BidiStreamHandler,
  context: CallContext,
  onClosed: () => void,
): void {
  let ended = false
  let closed = false
  let waiting = 0
  const listeners: (() => void)[] = [onClosed]
  let wake: (() => void)[] = []
  const wakeAll = () => {
    const sleepers = wake
    wake = []
    for (const go of sleepers) go()
  }
  const close = () => {
    if (closed) return
    closed = true
    ended = true
    wakeAll()
    for (const listener of listeners) listener()
  }
  const fail = () => {
    if (ended) return
    ended = true
    // grpc-js makes a status of it, and ends the stream behind what was sent.
    call.emit('error', { code: status.INTERNAL, details: 'the handler failed' })
  }
  // grpc-js says "cancelled" at every end, its own included, and "close" when it was destroyed.
  call.on('cancelled', close)
  call.on('close', close)
  call.on('error', () => undefined)

  let receiver: BidiReceiver
  try {
    receiver = handler(
      {
        send(message) {
          if (ended) return undefined
          const { length } = message
          waiting += length
          call.write(toBuffer(message), () => {
            waiting -= length
            if (waiting <= sendAhead) wakeAll()
          })
          if (waiting <= sendAhead) return undefined
          return new Promise(resolve => wake.push(resolve))
        },
        end() {
          if (ended) return
          ended = true
          call.end()
          // What is not read keeps the stream from closing.
          call.resume()
        },
        onClose(listener) {
          if (closed) listener()
          else listeners.push(listener)
        },
      },
      context,
    )
  } catch {
    fail()
    return
  }
  call.on('data', (message: Buffer) => {
    if (ended) return
    try {
      const busy = receiver.onMessage(message)
      if (busy === undefined) return
      call.pause()
      busy.then(() => {
        if (!closed) call.resume()
      }, fail)
    } catch {
      fail()
    }
  })
  call.on('end', () => {
    if (ended) return
    try {
      receiver.onEnd()
    } catch {
      fail()
    }
  })
}
