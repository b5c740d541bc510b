import { beforeAll, describe, inject } from 'vitest'
import { accessTo, type KubeAccess } from '../../src/demo/kube-access.js'
import './global-setup.js'

/**
 * `describe` for tests against a real API server, whether it is the shared one or their own. Without Go to build it they
 * are skipped, which the report counts; where it could not be built or started they fail.
 */
export function describeKube(name: string, body: () => void): void {
  const shared = inject('kube')
  describe.skipIf(shared.state === 'missing')(name, () => {
    beforeAll(() => {
      if (shared.state === 'failed') throw new Error(shared.message)
    })
    body()
  })
}

/** The API server that all tests of a run share. Leave it as it was, or use a namespace and names of your own. */
export function sharedApiServer(): KubeAccess {
  const shared = inject('kube')
  if (shared.state !== 'ready') throw new Error(shared.message)
  return accessTo(shared.place)
}
