import { describe, expect, it } from 'vitest'
import { freePort, freePorts } from './free-port.js'
import { startLoopbackServer } from './loopback-server.js'

describe('freePort', () => {
  it('gives a port that can be listened on', async () => {
    const port = await freePort()
    const server = await startLoopbackServer((_request, response) => response.end('here'), port)
    expect(server.port).toBe(port)
    expect(await (await fetch(server.url)).text()).toBe('here')
    await server.stop()
    await server.stop()
  })

  it('gives different ports, none of which an outgoing connection could take', async () => {
    const ports = await freePorts(20)
    expect(new Set(ports).size).toBe(20)
    expect(ports.filter(port => port >= 32_768)).toEqual([])
  })
})
