import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { buildGoProgram } from '../../src/demo/build-go-program.js'
import { recordingFiles } from './recorded-cases.js'

/**
 * Makes the recordings anew and compares them, where that is possible: in CI, or with CEL_GO=1, if Go is installed and its
 * modules are in its cache or come in time. CEL_GO=0 never, CEL_GO=1 fails where it otherwise skips.
 */
const { CEL_GO, CI } = process.env
const wanted = CEL_GO ?? (CI === undefined ? '0' : 'if possible')
const folder = fileURLToPath(new URL('../cel-go', import.meta.url))

const fetchSeconds = 60
const buildSeconds = 240

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

describe('the recordings of cel-go', () => {
  it.skipIf(wanted === '0')(
    'are what cel-go says today (CEL_GO=1 to insist)',
    async ({ skip }) => {
      const say = (line: string) => void process.stderr.write(`${line}\n`)
      const build = await buildGoProgram({ name: 'cel-go', source: folder, say, fetchSeconds, buildSeconds })
      if (!build.built) {
        if (build.why === 'broken' || wanted === '1') throw new Error(build.message)
        return skip(`not compared with cel-go: ${build.message}`)
      }
      const recorder = build.program

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
