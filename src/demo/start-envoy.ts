import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child-process.js'
import { adminPortOf } from './envoy-config.js'
import { httpReady } from './http-ready.js'
import { readyOrStopped } from './mcp-server.js'
import { withoutNewFilters } from './without-new-filters.js'

export interface EnvoyOptions {
  /** Of the binary, from findEnvoy. */
  readonly path: string
  /** The configuration itself, YAML. It must have an admin address. */
  readonly config: string
  readonly onLine?: (line: string) => void
}

export interface RunningEnvoy {
  /** `http://127.0.0.1:<admin port>` */
  readonly adminUrl: string
  /** Its `lines` hold the access log too, where the configuration writes it to standard output. */
  readonly child: Child
  stop(): Promise<void>
}

/** Starts Envoy and waits until it says that it is ready. Its warnings are part of `child.lines`. */
export async function startEnvoy({ path, config, onLine }: EnvoyOptions): Promise<RunningEnvoy> {
  const adminUrl = `http://127.0.0.1:${adminPortOf(config)}`
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-envoy-'))
  const cleanUp = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const file = join(directory, 'envoy.yaml')
    await writeFile(file, process.env.ENVOY_OLDEST ? withoutNewFilters(config) : config)
    const child = await startChild({
      name: 'envoy',
      command: path,
      // Without hot restart there is no shared memory, so that several can run side by side.
      args: ['-c', file, '--disable-hot-restart', '--concurrency', '1', '-l', 'warn'],
      ...(onLine === undefined ? {} : { onLine }),
    })
    await readyOrStopped(child, httpReady(`${adminUrl}/ready`))
    return {
      adminUrl,
      child,
      stop: async () => {
        await child.stop()
        await cleanUp()
      },
    }
  } catch (cause) {
    await cleanUp()
    throw cause
  }
}
