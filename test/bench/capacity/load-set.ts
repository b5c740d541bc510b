import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { packageRoot } from '../../../src/package-root.js'
import { writePolicies } from '../policies.js'
import { loadProgram } from '../program-parts.js'
import type { Code } from '../server-process.js'
import { createTokenIssuer } from '../tokens.js'
import { round3 } from './costs-of.js'
import { usedBytes } from './measure-memory.js'
import { policySet, type SetSize } from './policy-sets.js'
import { Reference } from './reference.js'

/** What it takes to load one set of policies. Milliseconds of processor time, and bytes after a collection of garbage. */
export interface LoadCost {
  readonly documents: number
  /** From nothing. */
  readonly loadMs: number
  /** With everything unchanged but one file of thirty Guardrails. */
  readonly reloadMs: number
  /** While that is done in steps, as in a running service: the longest time in which no request is decided, by the clock. */
  readonly pauseMs: number
  /** Of the look at the directory that comes every second. */
  readonly lookMs: number
  /** What is kept, and what there was while loading. */
  readonly heapBytes: number
  readonly peakRssBytes: number
}

/** To be called once in a process of its own: what was loaded before would count. */
export async function measureLoad(code: Code, size: SetSize): Promise<LoadCost> {
  const parts = await loadProgram(code)
  const policies = writePolicies(createTokenIssuer().jwks, policySet(size))
  const identities = new parts.authenticators.AuthenticatorSource({ now: Date.now })
  try {
    const catalogs = join(packageRoot, 'policies', 'catalogs')
    const directory = parts.directorySource.createDirectorySource({ directory: policies.directory })
    const shipped = parts.directorySource.createDirectorySource({
      directory: catalogs,
      kinds: ['ToolCatalog'],
      trust: 0,
    })
    let loads = 0
    const store = new parts.policyStore.PolicyStore({
      sources: [shipped, directory],
      compile: {},
      assemble: {
        clusters: ['local'],
        authenticator: (configurations, identity) => identities.for(configurations, identity),
      },
      onLoaded: () => loads++,
    })
    const before = usedBytes()
    const loadMs = cpuMs(() => store.load())
    const { report } = store
    if (report === undefined || !report.inForce)
      throw new Error(`the set does not load: ${report?.findings[0]?.message}`)
    const after = usedBytes()
    const reloads = Array.from({ length: 3 }, () => {
      appendFileSync(join(policies.directory, 'guardrails.yaml'), '# changed\n')
      return cpuMs(() => store.load())
    })
    const pauses = []
    for (let reload = 0; reload < 3; reload++) {
      const before = loads
      store.watch(50)
      appendFileSync(join(policies.directory, 'guardrails.yaml'), '# changed\n')
      pauses.push(await longestPauseMs(() => loads > before))
      store.stop()
    }
    const lookMs = cpuMs(() => directory.fingerprint())
    return {
      documents: report.documents,
      loadMs: round3(loadMs),
      reloadMs: round3(Math.min(...reloads)),
      pauseMs: round3(Math.min(...pauses)),
      lookMs: round3(lookMs),
      heapBytes: round3(after - before),
      peakRssBytes: round3(process.resourceUsage().maxRSS * 1024),
    }
  } finally {
    identities.stop()
    policies.remove()
  }
}

/** Between two turns of the event loop. */
async function longestPauseMs(isOver: () => boolean): Promise<number> {
  const reference = new Reference()
  reference.measure(5)
  let longest = 0
  for (let before = performance.now(); !isOver(); ) {
    await setImmediate()
    const now = performance.now()
    longest = Math.max(longest, now - before)
    before = now
  }
  reference.measure(5)
  return longest / reference.slowness
}

function cpuMs(run: () => unknown): number {
  const reference = new Reference()
  reference.measure(5)
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  reference.measure(5)
  return (user + system) / 1000 / reference.slowness
}
