import { startEverythingServer } from '../../src/demo/everything-server.js'
import type { ReferenceServer } from './reference-server/reference-server.js'
import { startSdkV1 } from './reference-server/start-sdk-v1.js'
import { startSdkV2 } from './reference-server/start-sdk-v2.js'
import type { SuiteRun } from './run-suite.js'

/** A suite against a server. */
export interface Case {
  readonly server: string
  readonly start: () => Promise<ReferenceServer>
  /** What is to be run, by what the table calls it. */
  readonly runs: Readonly<Record<string, SuiteRun>>
}

const legacy: Case['runs'] = {
  '0.1.16': { suite: 'released' },
  '0.2.0-alpha.12, 2025-11-25': { suite: 'next', specVersion: '2025-11-25' },
}
const modern: Case['runs'] = { '0.2.0-alpha.12, 2026-07-28': { suite: 'next', specVersion: '2026-07-28' } }

export const cases: readonly Case[] = [
  { server: 'SDK v1', start: startSdkV1, runs: legacy },
  { server: 'SDK v2', start: () => startSdkV2({ responses: 'auto' }), runs: { ...legacy, ...modern } },
  { server: 'SDK v2, streams only', start: () => startSdkV2({ responses: 'sse' }), runs: modern },
  // Lacks most of the tools that the scenarios look for: what it says then must come through as well.
  { server: 'server-everything', start: () => startEverythingServer(), runs: legacy },
]
