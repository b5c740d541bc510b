import { accessTo, type KubeAccess, type TokenOptions } from '../../src/demo/kube-access.js'
import {
  type KubeServer,
  type KubeServerOptions,
  type KubeServerPlace,
  startKubeServer,
} from '../../src/demo/kube-server.js'

export type { KubeAccess as ApiServerAccess, TokenOptions }

export interface TestApiServer extends KubeAccess, Omit<KubeServer, keyof KubeServerPlace> {}

/** An API server of a test's own, for those that kill it or need flags; others share one (shared-api-server.ts). */
export async function startApiServer(options: KubeServerOptions = {}): Promise<TestApiServer> {
  const server = await startKubeServer({ say: line => process.stderr.write(`${line}\n`), ...options })
  const { kill, restart, pause, resume, setAuthentication } = server
  const access = accessTo(server)
  return {
    ...access,
    ...{ kill, restart, pause, resume, setAuthentication },
    get child() {
      return server.child
    },
    stop: async () => {
      await server.stop()
    },
  }
}
