import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageRoot } from '../../../src/package-root.js'
import { median } from '../statistics.js'
import { createBenchPolicies } from './bench-policies.js'
import { Contender } from './contender.js'
import { atOriginalPlaces } from './original-places.js'
import { service, type TransportName } from './servers.js'
import { type CpuProfile, printProfile, summarizeProfile } from './summarize-profile.js'

export interface ProfileOptions {
  readonly transport: TransportName
  readonly pinned: boolean
  /** Under load, once the compiler has done its work. */
  readonly seconds: number
  /** Where the profile is kept, for the browser's tools. Default: nowhere. */
  readonly file?: string
  /** Functions in each table. Default: 40. */
  readonly most?: number
}

/** Where the time of a decision goes, in the process that ships, under load. */
export async function profileService(options: ProfileOptions): Promise<string> {
  const { transport, pinned, seconds, most = 40 } = options
  const policies = createBenchPolicies()
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-profile-'))
  const file = options.file ?? join(directory, 'service.cpuprofile')
  const preload = join(packageRoot, 'test/bench/comparison/profile-on-signal.mjs')
  const start = service({ transport, policies: policies.three, nodeArgs: ['--import', pathToFileURL(preload).href] })
  try {
    const contender = await Contender.start({ ...start, env: { BENCH_PROFILE: file } }, policies.message, pinned)
    try {
      await contender.warmUp(100_000)
      const micros: number[] = []
      for (let round = 0; round < 5; round++)
        micros.push((await contender.cpuPerDecision({ requests: 20_000, seconds: 60 })).micros)
      await contender.server.signalled('SIGUSR2', '"profiling"')
      await contender.saturate({ seconds })
      await contender.server.signalled('SIGUSR2', '"profiled"')
      const profile: CpuProfile = JSON.parse(readFileSync(file, 'utf8'))
      return printProfile(summarizeProfile(atOriginalPlaces(profile)), median(micros), most)
    } finally {
      await contender.stop()
    }
  } finally {
    policies.remove()
    rmSync(directory, { recursive: true, force: true })
  }
}
