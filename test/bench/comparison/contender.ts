import { extAuthzService } from '../../../src/doors/ext-authz/ext-authz-door.js'
import { Http2Connection } from '../http2-connection.js'
import { closedLoop, type LoadResult, type Traffic, type Until } from '../load.js'
import { MeasuredServer } from './measured-server.js'
import type { Start } from './servers.js'

/** As a gateway with two worker threads and two clusters that name us would. */
const connectionCount = 4
const inFlight = 16

/** One side of a comparison: a server, and the connections that ask it. */
export class Contender {
  readonly server: MeasuredServer
  readonly connections: readonly Http2Connection[]
  readonly #traffic: Traffic

  private constructor(server: MeasuredServer, connections: readonly Http2Connection[], message: Buffer) {
    this.server = server
    this.connections = connections
    this.#traffic = { next: () => message, expectedCode: 0 }
  }

  static async start(start: Start, message: Buffer, pinned: boolean): Promise<Contender> {
    const server = await MeasuredServer.start({ ...start, pinned })
    try {
      const connections = []
      for (let at = 0; at < connectionCount; at++)
        connections.push(await Http2Connection.open(server.port, `/${extAuthzService}/Check`))
      return new Contender(server, connections, message)
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  /** As fast as it goes. Throws when an answer is not an allow: its cost would say nothing. */
  async saturate(until: Until): Promise<LoadResult> {
    const result = await closedLoop(this.connections, inFlight, this.#traffic, until)
    if (result.wrong > 0)
      throw new Error(`${this.server.name}: ${result.wrong} of ${result.requests} answers were not an allow`)
    return result
  }

  /** Microseconds of processor time per decision, as fast as it goes. */
  async cpuPerDecision(until: Until): Promise<CpuSample> {
    const before = this.server.usage()
    const { requests, seconds, generatorBusy } = await this.saturate(until)
    const after = this.server.usage()
    return { micros: (after.cpuMicros - before.cpuMicros) / requests, perSecond: requests / seconds, generatorBusy }
  }

  /** Until the compiler has done its work, which takes so many requests, however long a busy machine needs for them. */
  async warmUp(requests: number): Promise<void> {
    await this.saturate({ requests, seconds: 120 })
  }

  async stop(): Promise<void> {
    for (const connection of this.connections) connection.close()
    await this.server.stop()
  }
}

export interface CpuSample {
  readonly micros: number
  readonly perSecond: number
  /** Share of its core that the load generator used. */
  readonly generatorBusy: number
}
