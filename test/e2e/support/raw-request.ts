import { connect } from 'node:net'

const TIMEOUT_MS = 10_000

/** Sends these bytes to a server and returns the status of its first final answer; 0 if it closes without one. */
export function rawRequest(port: number, bytes: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    socket.on('data', (chunk: string) => {
      text += chunk
      // Interim answers such as 100 Continue come first.
      const [, status] = /^HTTP\/1\.1 ([2-5]\d\d) /m.exec(text) ?? []
      if (status === undefined) return
      socket.destroy()
      resolve(Number(status))
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(0))
  })
}
