import type { BoundAddress } from './doors/grpc/grpc-transport.js'
import type { WorkerPool } from './workers/worker-pool.js'

/** What a service does with a door, whoever decides behind it. */
export interface ServiceDoor {
  start(): Promise<BoundAddress>
  setReady(ready: boolean): void
  drain(limitMs: number): Promise<number>
  stop(): Promise<void>
}

/** The doors of a primary: the ports are its own, what connects goes to workers. They start and end all at once. */
export function pooledDoors(
  listeners: readonly { readonly name: string }[],
  pool: WorkerPool,
): readonly { readonly name: string; readonly door: ServiceDoor }[] {
  return listeners.map(({ name }, index) => ({
    name,
    door: {
      async start() {
        const address = (await pool.start())[index]
        if (address === undefined) throw new Error(`the listener ${name} was not opened`)
        return address
      },
      setReady: ready => {
        // Each worker knows by itself when it is.
        if (!ready) pool.retire()
      },
      async drain(limitMs) {
        await pool.stop(limitMs)
        // Workers say themselves what they cut off.
        return 0
      },
      stop: () => pool.stop(0),
    },
  }))
}
