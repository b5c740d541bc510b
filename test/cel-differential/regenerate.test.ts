import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { recordingFiles } from './recorded-cases.js'

/**
 * Makes the recordings anew and compares them, where that is possible: in CI, or with CEL_GO=1, if Go is installed and its
 * modules are in its cache or come in time. CEL_GO=0 never, CEL_GO=1 fails where it otherwise skips.
 */
const { CEL_GO, CI } = process.env
const wanted = CEL_GO ?? (CI === undefined ? '0' : 'if possible')
const folder = fileURLToPath(new URL('../cel-go', import.meta.url))
const made = mkdtempSync(join(tmpdir(), 'cel-go-'))
const recorder = join(made, 'recorder')

const fetchSeconds = 60
const buildSeconds = 240

afterAll(() => rmSync(made, { recursive: true, force: true }))

function run(command: string, args: readonly string[], seconds: number, input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, timeout: seconds * 1000, maxBuffer: 1 << 26, killSignal: 'SIGKILL' } as const
    const child = execFile(command, args, options, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

/** Where Go is, also if it is not on the path of this process. */
function findGo(): string | undefined {
  return ['go', '/usr/local/go/bin/go'].find(command => {
    try {
      execFileSync(command, ['version'], {
        cwd: folder,
        stdio: 'ignore',
        timeout: 20_000,
        env: { ...process.env, GOTOOLCHAIN: 'local' },
      })
      return true
    } catch {
      return false
    }
  })
}

/** Why nothing can be recorded; undefined if the recorder was built. A program that does not compile is a failure. */
async function unable(): Promise<string | undefined> {
  const go = findGo()
  if (go === undefined) return 'Go is not installed'
  try {
    await run(go, ['mod', 'download'], fetchSeconds)
  } catch {
    return `Go's modules could not be fetched within ${fetchSeconds} s`
  }
  try {
    await run(go, ['build', '-o', recorder, '.'], buildSeconds)
    return undefined
  } catch (error) {
    if (error instanceof Error && 'killed' in error && error.killed === true) {
      return `building took more than ${buildSeconds} s`
    }
    throw error
  }
}

describe('the recordings of cel-go', () => {
  it.skipIf(wanted === '0')(
    'are what cel-go says today (CEL_GO=1 to insist)',
    async ({ skip }) => {
      const reason = await unable()
      if (reason !== undefined && wanted !== '1') skip(`not compared with cel-go: ${reason}`)
      expect(reason).toBeUndefined()

      const random = readFileSync(recordingFiles.cases, 'utf8')
      const lines = (await run(recorder, [recordingFiles.inputs], 120, random)).split('\n')
      const before = random.split('\n')
      // What depends on the order of Go's maps may be found to do so now and then.
      const drifted = lines.filter((line, i) => line !== before[i] && !`${line}${before[i]}`.includes('! unsteady'))
      expect(drifted).toEqual([])
      expect(lines.length).toBe(before.length)

      const sources = readFileSync(join(folder, 'kubernetes-libraries.cel'), 'utf8')
      const libraries: unknown = JSON.parse(await run(recorder, [], 120, sources))
      expect(libraries).toEqual(JSON.parse(readFileSync(recordingFiles.libraries, 'utf8')))
    },
    (fetchSeconds + buildSeconds + 300) * 1000,
  )
})
