import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { packageRoot } from '../package-root.js'
import { endProcess } from './end-process.js'

const run = promisify(execFile)

describe('a process that is done', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is ended', () => {
    const exit = vi.fn()
    endProcess({ stdout: { writableLength: 0 }, stderr: { writableLength: 0 }, exit }, 100)
    vi.advanceTimersByTime(99)
    expect(exit).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(exit).toHaveBeenCalledWith()
  })

  it.each(['stdout', 'stderr'] as const)('is not ended while %s is being written', name => {
    const exit = vi.fn()
    const written = { stdout: { writableLength: 0 }, stderr: { writableLength: 0 } }
    written[name].writableLength = 1
    endProcess({ ...written, exit }, 100)
    vi.advanceTimersByTime(1000)
    expect(exit).not.toHaveBeenCalled()
    written[name].writableLength = 0
    vi.advanceTimersByTime(100)
    expect(exit).toHaveBeenCalledTimes(1)
  })
})

describe('the program', () => {
  const program = (body: string) =>
    `import { endProcess } from ${JSON.stringify(join(packageRoot, 'src/cli/end-process.ts'))}\n${body}`
  const start = (body: string) =>
    run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program(body)], { cwd: packageRoot })

  it('ends although something hangs, with its exit code', async () => {
    const hanging = 'setInterval(() => {}, 1000); process.exitCode = 3; endProcess(process, 50)'
    await expect(start(hanging)).rejects.toMatchObject({ code: 3, killed: false })
  }, 20_000)
})
