import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, beforeEach } from 'vitest'
import { buildGoProgram, type GoBuild } from '../../../src/demo/build-go-program.js'

/** Programs of others that speak HTTP/2 and gRPC, with what they need pinned in a go.mod beside each. */
export type GoClient = 'h2spec' | 'grpc-go'

/** How long the first build may take, with fetching the modules. */
const firstBuildMs = 600_000

export function buildGoClient(name: GoClient): Promise<GoBuild> {
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  return buildGoProgram({ name, source: join(import.meta.dirname, name), say })
}

/**
 * For tests that need a program: builds it before them. Without Go they are skipped, which the report counts; where the program
 * does not build they fail.
 * @returns what runs it, and resolves to what it said, a JSON value a line
 */
export function useGoClient(name: GoClient): (...args: readonly string[]) => Promise<unknown[]> {
  let build: GoBuild | undefined
  beforeAll(async () => {
    build = await buildGoClient(name)
    if (!build.built && build.why !== 'no-go') throw new Error(build.message)
  }, firstBuildMs)
  beforeEach(({ skip }) => {
    if (build?.built === false) skip(build.message)
  })
  return async (...args) => {
    if (build?.built !== true) throw new Error(`${name} is not built`)
    return runForLines(build.program, args)
  }
}

function runForLines(program: string, args: readonly string[]): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 1 << 26, timeout: 300_000, killSignal: 'SIGKILL' } as const
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${error.message}\n${stderr.slice(-4000)}`, { cause: error }))
      else {
        const lines = stdout.split('\n').filter(line => line !== '')
        resolve(lines.map(line => JSON.parse(line)))
      }
    })
  })
}
