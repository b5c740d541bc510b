import { mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createDecisionLog, openDecisionLogFile } from './decision-log.js'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function file(): string {
  const directory = mkdtempSync(join(tmpdir(), 'log-'))
  directories.push(directory)
  return join(directory, 'decisions.ndjson')
}

/** A target that finishes a write when told to. */
function slowTarget() {
  const chunks: string[] = []
  const pending: ((error?: Error) => void)[] = []
  return {
    chunks,
    pending,
    write(chunk: Buffer, done: (error?: Error) => void) {
      chunks.push(String(chunk))
      pending.push(done)
    },
  }
}

const tick = () => new Promise(resolve => setImmediate(resolve))

describe('createDecisionLog', () => {
  it('writes lines in order, in few writes', async () => {
    const target = slowTarget()
    const log = createDecisionLog(target, { gatherMs: 0 })
    log.write('{"a":1}')
    log.write('{"a":2}')
    await tick()
    log.write('{"a":3}')
    log.write('{"a":4}')
    target.pending[0]?.()
    target.pending[1]?.()
    expect(target.chunks).toEqual(['{"a":1}\n{"a":2}\n', '{"a":3}\n{"a":4}\n'])
    await log.close()
  })

  it('drops what does not fit, counts it, and recovers', async () => {
    const target = slowTarget()
    const log = createDecisionLog(target, { maxBufferedBytes: 25, gatherMs: 0 })
    for (let i = 0; i < 4; i++) log.write('123456789')
    expect(log.dropped).toBe(2)
    await tick()
    log.write('123456789')
    expect(log.dropped).toBe(3)
    target.pending[0]?.()
    log.write('later')
    expect(log.dropped).toBe(3)
    await tick()
    target.pending[1]?.()
    await log.close()
    expect(target.chunks.join('')).toBe('123456789\n123456789\nlater\n')
  })

  it('counts bytes, not characters', () => {
    const log = createDecisionLog(slowTarget(), { maxBufferedBytes: 10 })
    log.write('ääääää')
    expect(log.dropped).toBe(1)
  })

  it('counts a batch that cannot be written, tells, and goes on', async () => {
    const target = slowTarget()
    const errors: unknown[] = []
    const log = createDecisionLog(target, {
      gatherMs: 0,
      onError: error => {
        errors.push(error)
        throw new Error('listener')
      },
    })
    log.write('a')
    log.write('b')
    await tick()
    target.pending[0]?.(new Error('disk full'))
    expect([log.dropped, errors.length]).toEqual([2, 1])
    log.write('c')
    await tick()
    target.pending[1]?.()
    expect(target.chunks[1]).toBe('c\n')
  })

  it('gathers lines for a while, and the next ones again', async () => {
    const target = slowTarget()
    const log = createDecisionLog(target, { gatherMs: 5 })
    log.write('a')
    await tick()
    log.write('b')
    expect(target.chunks).toEqual([])
    await expect.poll(() => target.chunks).toEqual(['a\nb\n'])
    target.pending[0]?.()
    log.write('c')
    await expect.poll(() => target.chunks).toEqual(['a\nb\n', 'c\n'])
    target.pending[1]?.()
    await log.close()
  })

  it('gathers no more than one batch', () => {
    const target = slowTarget()
    const log = createDecisionLog(target, { gatherMs: 60_000 })
    for (let i = 0; i < 30; i++) log.write('x'.repeat(9_999))
    expect(target.chunks.length).toBe(1)
  })

  it('does not gather when it closes', async () => {
    const target = slowTarget()
    const log = createDecisionLog(target, { gatherMs: 60_000 })
    log.write('a')
    const closed = log.close()
    await tick()
    target.pending[0]?.()
    await closed
    expect([target.chunks, log.dropped]).toEqual([['a\n'], 0])
  })

  it('survives a target that throws', async () => {
    const log = createDecisionLog({
      write: () => {
        throw new Error('gone')
      },
    })
    log.write('a')
    await log.close()
    expect(log.dropped).toBe(1)
  })

  it('splits large batches', async () => {
    const sizes: number[] = []
    const log = createDecisionLog({
      write: (chunk, done) => {
        sizes.push(chunk.length)
        setImmediate(done)
      },
    })
    for (let i = 0; i < 100; i++) log.write('x'.repeat(9_999))
    await log.close()
    expect(sizes.length).toBeGreaterThan(3)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_000_000)
  })

  it('waits on close, but not for ever, and takes nothing afterwards', async () => {
    const log = createDecisionLog(slowTarget(), { gatherMs: 0 })
    log.write('a')
    await tick()
    log.write('b')
    await log.close(20)
    expect(log.dropped).toBe(1)
    log.write('c')
    expect(log.dropped).toBe(2)
  })

  it('closes at once when idle', async () => {
    const log = createDecisionLog(slowTarget())
    await log.close()
    expect(log.dropped).toBe(0)
  })

  it('writes to a descriptor', async () => {
    const path = file()
    const log = createDecisionLog(openSync(path, 'a'))
    for (let i = 0; i < 1000; i++) log.write(String(i))
    await log.close()
    expect(readFileSync(path, 'utf8')).toBe(`${Array.from({ length: 1000 }, (_, i) => i).join('\n')}\n`)
  })

  it('counts lines for a descriptor that cannot be written', async () => {
    const path = file()
    openSync(path, 'a')
    const log = createDecisionLog(openSync(path, 'r'))
    log.write('a')
    await log.close()
    expect(log.dropped).toBe(1)
  })
})

describe('openDecisionLogFile', () => {
  it('appends, and is not for everybody', async () => {
    const path = file()
    for (const line of ['a', 'b']) {
      const log = openDecisionLogFile(path)
      log.write(line)
      await log.close()
    }
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n')
    expect(statSync(path).mode & 0o007).toBe(0)
  })

  it('throws when the file cannot be opened', () => {
    expect(() => openDecisionLogFile('/nowhere/decisions')).toThrow('ENOENT')
  })
})
