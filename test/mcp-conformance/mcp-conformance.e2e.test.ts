import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compareResults } from './compare-results.js'
import { type Path, startPath } from './paths.js'
import { preparedSuites, type Suites } from './prepare-suites.js'
import type { ReferenceServer } from './reference-server/reference-server.js'
import { startSdkV1 } from './reference-server/start-sdk-v1.js'
import { startSdkV2 } from './reference-server/start-sdk-v2.js'
import { runSuite, type SuiteResult, type SuiteRun } from './run-suite.js'

/** A part of `npm run conformance:mcp`, where that has fetched the suites before (or `-- --prepare` has). */

interface Part {
  readonly server: string
  readonly start: () => Promise<ReferenceServer>
  readonly suite: SuiteRun
  readonly atLeast: number
}

const parts: readonly Part[] = [
  { server: 'SDK v1', start: startSdkV1, suite: { suite: 'next', specVersion: '2025-11-25' }, atLeast: 84 },
  {
    server: 'SDK v2',
    start: () => startSdkV2({ responses: 'auto' }),
    suite: { suite: 'next', specVersion: '2026-07-28' },
    atLeast: 152,
  },
]

const suites = await preparedSuites()
function given(prepared: Suites | undefined): Suites {
  if (prepared === undefined) throw new Error('the suites were not fetched')
  return prepared
}

/** Whether the session id that a client gets is one of ours (docs/response-door.md#sessions). */
function isTagged(result: SuiteResult): boolean {
  const check = result.get('server-initialize')?.find(({ id }) => id === 'server-session-id-visible-ascii')
  return z.object({ sessionId: z.string() }).parse(check?.details).sessionId.includes('~')
}

describe.skipIf(suites === undefined)('the official conformance suite', () => {
  describe.each(parts)('against $server, $suite.specVersion', ({ start, suite, atLeast }) => {
    let server: ReferenceServer
    let path: Path
    beforeAll(async () => {
      server = await start()
      path = await startPath('ext_authz + ext_proc', async () => ({ origin: server.origin, stop: async () => {} }))
    })
    afterAll(async () => {
      await path?.stop()
      await server?.stop()
    })

    it('finds the same with mcp-authz in the path as without it', async () => {
      const run = (url: string) => runSuite(given(suites), url, suite)
      const [direct, through] = [await run(`${server.origin}/mcp`), await run(path.url)]
      const { differences, passed } = compareResults(direct, through)
      expect(differences).toEqual([])
      expect(passed).toBeGreaterThanOrEqual(atLeast)
      // It is not the server that was compared with itself.
      expect(path.decisions()).toBeGreaterThan(50)
      if (suite.specVersion === '2025-11-25') expect([isTagged(direct), isTagged(through)]).toEqual([false, true])
      expect(path.complaints()).toEqual([])
    }, 120_000)
  })
})
