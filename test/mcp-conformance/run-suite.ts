import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Suites } from './prepare-suites.js'

const suiteTimeoutMs = 600_000

const Check = z.object({
  id: z.string(),
  status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']),
  name: z.string().optional(),
  errorMessage: z.string().optional(),
  details: z.unknown().optional(),
})
/** What one scenario found out about one requirement. */
export type Check = z.infer<typeof Check>

/** Checks in the order in which a scenario made them, by the scenario's name. */
export type SuiteResult = ReadonlyMap<string, readonly Check[]>

export interface SuiteRun {
  readonly suite: 'released' | 'next'
  /** Only with `next`, which has scenarios for several revisions. */
  readonly specVersion?: '2025-11-25' | '2026-07-28'
  /** One scenario. Default: all, also those that the suite itself does not count yet. */
  readonly scenario?: string
}

/**
 * Runs the server scenarios of an official suite against an endpoint. Failed checks are results; throws when the suite
 * itself does not run.
 */
export async function runSuite(suites: Suites, url: string, wanted: SuiteRun): Promise<SuiteResult> {
  const output = await mkdtemp(join(tmpdir(), 'mcp-conformance-'))
  try {
    const which = wanted.scenario === undefined ? ['--suite', 'all'] : ['--scenario', wanted.scenario]
    const version = wanted.specVersion === undefined ? [] : ['--spec-version', wanted.specVersion]
    const args = [suites[wanted.suite], 'server', '--url', url, '--output-dir', output, ...which, ...version]
    const printed = await printedBy(suites.node, args, output)
    const results = await readResults(output)
    if (results.size === 0 && wanted.scenario === undefined)
      throw new Error(`the suite has no results:\n${printed.slice(-2_000)}`)
    return results
  } finally {
    await rm(output, { recursive: true, force: true })
  }
}

/** Status 1 says that checks failed, which the results say too. */
function printedBy(command: string, args: readonly string[], cwd: string): Promise<string> {
  const limits = { timeout: suiteTimeoutMs, killSignal: 'SIGKILL', maxBuffer: 67_108_864 } as const
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { cwd, ...limits }, (error, stdout, stderr) => {
      if (error === null || error.code === 1) resolve(`${stdout}${stderr}`)
      else reject(new Error(`the suite ended with ${error.signal ?? error.code}:\n${stderr.slice(-2_000)}`))
    })
  })
}

/** Directories `server-<scenario>-<time>`, each with a checks.json. */
async function readResults(output: string): Promise<SuiteResult> {
  const results = new Map<string, Check[]>()
  for (const directory of (await readdir(output)).sort()) {
    const [, scenario] = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(directory) ?? []
    if (scenario === undefined) continue
    // A scenario that is not for this revision leaves an empty directory.
    const text = await readFile(join(output, directory, 'checks.json'), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    results.set(scenario, z.array(Check).parse(JSON.parse(text)))
  }
  return results
}
