import type { TestProject } from 'vitest/node'
import { buildKubeServer } from '../../src/demo/build-kube-server.js'
import { type KubeServer, type KubeServerPlace, startKubeServer } from '../../src/demo/kube-server.js'

/** What the tests of this run can use: an API server, or why there is none. */
export type SharedKube =
  | { readonly state: 'ready'; readonly place: KubeServerPlace }
  /** There is no Go to build it with. */
  | { readonly state: 'missing'; readonly message: string }
  | { readonly state: 'failed'; readonly message: string }

declare module 'vitest' {
  export interface ProvidedContext {
    kube: SharedKube
  }
}

/** Users with a token on the shared API server. They may do nothing that no one gives them. */
const users = { alice: [], bob: [], carol: ['people'] }

/** Builds the API server and starts the one that the tests of a run share. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const build = await buildKubeServer(say)
  if (!build.built) {
    const { why, message } = build
    say(`tests against a real Kubernetes API server ${why === 'no-go' ? 'are skipped' : 'fail'}: ${message}`)
    provide('kube', { state: why === 'no-go' ? 'missing' : 'failed', message })
    return async () => {}
  }
  let server: KubeServer
  try {
    server = await startKubeServer({ users })
  } catch (error) {
    provide('kube', { state: 'failed', message: error instanceof Error ? error.message : String(error) })
    return async () => {}
  }
  const { url, port, directory, caFile, tokens } = server
  provide('kube', { state: 'ready', place: { url, port, directory, caFile, tokens } })
  return () => server.stop()
}
