import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findGo } from '../../src/demo/build-go-program.js'
import { cachedDirectory, userCache } from '../../src/demo/user-cache.js'

const run = promisify(execFile)
/** A module that names Prometheus, whose command it is, and pins all that goes into it. */
const module = join(dirname(fileURLToPath(import.meta.url)), 'promtool')
const command = 'github.com/prometheus/prometheus/cmd/promtool'

export type FoundPromtool =
  | { readonly found: true; readonly program: string }
  | { readonly found: false; readonly message: string }

/**
 * promtool: that of PROMTOOL_BIN, or what was built before, by version of Prometheus and of Go.
 * @param build whether it is built if it was not: three minutes on two cores, and 2 GB for the modules
 */
export async function findPromtool({ build }: { readonly build: boolean }): Promise<FoundPromtool> {
  const named = process.env.PROMTOOL_BIN
  if (named !== undefined) return { found: true, program: named }
  const go = await findGo(module)
  if (go === undefined) return { found: false, message: 'promtool needs Go 1.26, or PROMTOOL_BIN' }
  const digest = createHash('sha256').update(`${go.version}\n`)
  for (const file of ['go.mod', 'go.sum']) digest.update(await readFile(join(module, file)))
  const name = `promtool-${digest.digest('hex').slice(0, 16)}`
  const program = (home: string) => join(home, 'promtool')
  if (!build) {
    const kept = program(join(userCache(), name))
    const works = await run(kept, ['--version']).then(
      () => true,
      () => false,
    )
    const message = 'promtool is not built: npx tsx test/monitoring/build.ts, or name one in PROMTOOL_BIN'
    return works ? { found: true, program: kept } : { found: false, message }
  }
  const home = await cachedDirectory({
    name,
    fill: async directory => {
      // Without service discovery, which makes most of it and which nothing here needs.
      const flags = ['-mod=readonly', '-tags', 'remove_all_sd', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w']
      await run(go.command, ['build', ...flags, '-o', program(directory), command], {
        cwd: module,
        env: { ...process.env, CGO_ENABLED: '0' },
        maxBuffer: 16 * 1024 * 1024,
        timeout: 3_600_000,
        killSignal: 'SIGKILL',
      })
    },
  })
  return { found: true, program: program(home) }
}
