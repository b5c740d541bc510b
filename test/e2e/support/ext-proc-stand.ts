import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { findEnvoy } from '../../../src/demo/find-envoy.js'
import { freePorts, portOf } from '../../../src/demo/free-port.js'
import { idleMs } from '../../../src/demo/loopback-server.js'
import { type RunningEnvoy, startEnvoy } from '../../../src/demo/start-envoy.js'
import type { ExchangeProcessor } from '../../../src/doors/ext-proc/exchange-processor.js'
import { createExtProcDoor, type ExtProcDoor } from '../../../src/doors/ext-proc/ext-proc-door.js'
import { passThroughProcessor } from '../../../src/doors/ext-proc/pass-through-processor.js'
import { type CheckServer, startCheckServer } from './check-server.js'
import { type ExtProcSettings, extProcListeners } from './ext-proc-listeners.js'

export type Serve = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

export interface ExtProcStand<Name extends string> {
  readonly port: (name: Name) => number
  readonly envoy: RunningEnvoy
  readonly checks: CheckServer
  /** Requests that reached the server. */
  readonly reached: readonly IncomingMessage[]
  /** What the door said went wrong. */
  readonly errors: string[]
  /** Exchanges of which the gateway has not gone yet. */
  readonly open: () => number
  readonly door: () => ExtProcDoor
  /** What decides on the next exchanges. Default: passes everything. */
  use(create: () => ExchangeProcessor): void
  /** How the server answers. */
  serve(how: Serve): void
  /** Ends the door, and opens another one on the same port. */
  killDoor(): Promise<void>
  reopenDoor(): Promise<void>
  forget(): void
  stop(): Promise<void>
}

export interface DoorSettings {
  readonly answerWithinMs?: number
  readonly buffering?: 'gateway' | 'door'
  readonly maxBufferedBytes?: number
  readonly bodyWithinMs?: number
  readonly modeOverride?: boolean
}

/** Envoy with ext_proc in many modes, our door behind it with processors of the test, and a server of the test. */
export async function startExtProcStand<Name extends string>(
  listeners: Readonly<Record<Name, Omit<ExtProcSettings, 'port'>>>,
  settings: DoorSettings = {},
): Promise<ExtProcStand<Name>> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const reached: IncomingMessage[] = []
    let serve: Serve = (_request, response) => response.end('{}')
    const server = createServer({ keepAliveTimeout: idleMs }, (request, response) => {
      reached.push(request)
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('error', () => {})
      request.on('end', () => serve(request, response, Buffer.concat(pieces)))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
    stops.push(async () => {
      server.closeAllConnections()
      server.close()
    })
    const checks = await startCheckServer()
    stops.push(() => checks.stop())
    const errors: string[] = []
    let open = 0
    let create: () => ExchangeProcessor = () => passThroughProcessor
    const names = Object.entries<Omit<ExtProcSettings, 'port'>>(listeners)
    const [adminPort = 0, extProcPort = 0, ...ports] = await freePorts(2 + names.length)
    const openDoor = async () => {
      const made = createExtProcDoor({
        createProcessor: () => {
          const processor = create()
          open++
          return {
            ...processor,
            onClose: () => {
              open--
              processor.onClose?.()
            },
          }
        },
        listener: {
          name: 'test',
          profile: 'envoy',
          trust: 'none',
          address: { kind: 'tcp', host: '127.0.0.1', port: extProcPort },
          ...settings,
        },
        onError: detail => errors.push(detail),
      })
      await made.start()
      return made
    }
    let door = await openDoor()
    stops.push(() => door.stop())
    const { path } = await findEnvoy({ announce: () => {} })
    const byName = new Map(names.map(([name], at) => [name, ports[at] ?? 0]))
    const config = extProcListeners({
      adminPort,
      extProcPort,
      authzPort: checks.port,
      upstreamPort: portOf(server),
      listeners: names.map(([name, one]) => ({ ...one, port: byName.get(name) ?? 0 })),
    })
    const envoy = await startEnvoy({ path, config })
    stops.push(() => envoy.stop())
    return {
      port: name => byName.get(name) ?? 0,
      ...{ envoy, checks, reached, errors, stop },
      open: () => open,
      door: () => door,
      use: next => {
        create = next
      },
      serve: how => {
        serve = how
      },
      killDoor: () => door.stop(),
      reopenDoor: async () => {
        door = await openDoor()
      },
      forget: () => {
        reached.length = 0
        errors.length = 0
        checks.forget()
        create = () => passThroughProcessor
      },
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}
