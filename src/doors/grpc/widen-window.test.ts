import { connect } from 'node:http2'
import { afterEach, expect, it } from 'vitest'
import { createGrpcJsTransport } from './grpc-js-transport.js'
import type { GrpcTransport } from './grpc-transport.js'

let transport: GrpcTransport | undefined
afterEach(() => transport?.stop())

it('the transport takes what many requests bring at once', async () => {
  transport = createGrpcJsTransport([], { address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, onError: () => {} })
  const address = await transport.start()
  if (address.kind !== 'tcp') throw new Error('not TCP')
  const session = connect(`http://127.0.0.1:${address.port}`)
  session.on('error', () => {})
  await new Promise(resolve => session.once('remoteSettings', resolve))
  const end = Date.now() + 5000
  // The window of the whole connection comes in a frame behind the settings.
  while ((session.state.remoteWindowSize ?? 0) < 2 * 1024 * 1024 && Date.now() < end)
    await new Promise(resolve => setTimeout(resolve, 5))
  expect(session.state.remoteWindowSize).toBe(2 * 1024 * 1024)
  session.destroy()
})
