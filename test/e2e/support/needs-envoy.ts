import { TestRunner } from 'vitest'
import { findEnvoy, PACKAGED } from '../../../src/demo/find-envoy.js'
import { withoutNewFilters } from '../../../src/demo/without-new-filters.js'
import { type EnvoyVersion, includes } from './envoy-version.js'

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test was skipped: no CI run with the pinned Envoy may have one of these. */
    needsEnvoy?: string
  }
}

/** Of ENVOY_BIN, in a run with an older Envoy (npm run test:envoys). Undefined: the pinned one, or one that is newer. */
const older = process.env.ENVOY_OLDEST ? (await findEnvoy({ announce: () => {} })).version : undefined

/**
 * Whether the Envoy of this run has what came with `since`: one version, or, of a fix, the first one of each line that
 * has it. For what a test expects; what it cannot do without is `needsEnvoy`.
 */
export function envoyHas(...since: readonly [EnvoyVersion, ...EnvoyVersion[]]): boolean {
  if (!includes(PACKAGED, since)) throw new Error(`${since.join(', ')}: the pinned Envoy ${PACKAGED} lacks it as well`)
  return older === undefined || includes(older, since)
}

/**
 * Ends the test that runs as skipped if the Envoy of this run is older than `since`, and says so in the report. Call it
 * as late as the test allows, after all that older ones can do; never inside a try. Throws when even the pinned Envoy is
 * too old: nobody would run the test.
 */
export function needsEnvoy(since: EnvoyVersion, what: string): void {
  if (envoyHas(since)) return
  const test = TestRunner.getCurrentTest()
  if (test === undefined) throw new Error('needsEnvoy is for tests that run')
  test.meta.needsEnvoy = `Envoy ${since} (${what})`
  test.context.skip(`needs ${test.meta.needsEnvoy}, this is ${older}`)
}

/** A configuration for the Envoy of this run: without the filters that it does not know. */
export function forThisEnvoy(config: string): string {
  return envoyHas('1.40') ? config : withoutNewFilters(config)
}
