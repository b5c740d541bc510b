import { mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createDecisionLog, openDecisionLogFile } from './decision-log.js'
import { chainKey, lostRecord } from './log-chain.js'
import { LogChainVerifier } from './log-chain-verifier.js'

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
  const pending: ((error?: Error, written?: number) => void)[] = []
  return {
    chunks,
    pending,
    write(chunk: Buffer, done: (error?: Error, written?: number) => void) {
      chunks.push(String(chunk))
      pending.push(done)
    },
  }
}

/** At the time that the tests say. */
const lost = (count: number, torn = false) => `${lostRecord(0, count, torn)}\n`
const now = () => 0

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
    const log = createDecisionLog(target, { maxBufferedBytes: 25, gatherMs: 0, now })
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
    target.pending[2]?.()
    await log.close()
    expect(target.chunks.join('')).toBe(`123456789\n123456789\n${lost(3)}later\n`)
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
      now,
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
    expect(target.chunks[1]).toBe(`${lost(2)}c\n`)
    target.pending[1]?.(new Error('disk full'))
    expect(log.dropped).toBe(3)
    log.write('d')
    await tick()
    expect(target.chunks[2]).toBe(`${lost(3)}d\n`)
  })

  it('tells of loss as soon as it can, though nothing comes behind it', async () => {
    const target = slowTarget()
    const log = createDecisionLog(target, { maxBufferedBytes: 5, gatherMs: 0, now })
    log.write('a')
    log.write('too long')
    await tick()
    target.pending[0]?.()
    await tick()
    target.pending[1]?.()
    await log.close()
    expect(target.chunks).toEqual(['a\n', lost(1)])
  })

  it.each([
    ['nothing', 0, [3, 'd\n', false]],
    ['a part of the first line', 1, [3, 'd\n', true]],
    ['the first line without its end', 2, [2, 'd\n', true]],
    ['a line', 3, [2, 'd\n', false]],
    ['a line and a part', 4, [2, 'd\n', true]],
  ] as const)('goes on behind %s that was written before it failed', async (_name, written, [count, next, torn]) => {
    const target = slowTarget()
    const log = createDecisionLog(target, { gatherMs: 0, now })
    for (const line of ['aa', 'bb', 'cc']) log.write(line)
    await tick()
    target.pending[0]?.(new Error('disk full'), written)
    expect(log.dropped).toBe(count)
    log.write('d')
    await tick()
    expect(target.chunks[1]).toBe(`${torn ? '\n' : ''}${lost(count, torn)}${next}`)
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

describe('a chained log', () => {
  const key = chainKey(Buffer.alloc(32))
  const record = (n: number) => JSON.stringify({ version: 'mcp-authz.dev/decision/v1', decision_id: `#${n}#` })

  /** A disk that takes as much of each write as it is told, and then everything. */
  function failingTarget(takes: readonly number[]) {
    let text = Buffer.alloc(0)
    let at = 0
    return {
      text: () => text.toString(),
      write(chunk: Buffer, done: (error?: Error | null, written?: number) => void) {
        const share = takes[at++] ?? 1
        const written = Math.floor(chunk.length * share)
        text = Buffer.concat([text, chunk.subarray(0, written)])
        setImmediate(() => (written === chunk.length ? done() : done(new Error('disk full'), written)))
      },
    }
  }

  it('is whole, and tells each loss once, wherever writes fail', async () => {
    const share = fc.oneof(fc.constant(1), fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true }))
    await fc.assert(
      fc.asyncProperty(fc.array(share, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), async (takes, records) => {
        const target = failingTarget(takes)
        const log = createDecisionLog(target, { gatherMs: 0, chain: { key }, maxBufferedBytes: 2000 })
        for (let i = 0; i < records; i++) {
          log.write(record(i))
          if (i % 5 === 4) await tick()
        }
        // Until the disk takes what it gets.
        for (let i = 0; i < 12; i++) {
          for (let j = 0; j < 4; j++) await tick()
          log.write(record(1000 + i))
        }
        await log.close()
        const verifier = new LogChainVerifier({ key })
        const lines = target.text().split('\n')
        expect(lines.pop()).toBe('')
        const findings = lines.flatMap((line, i) => verifier.push('f', i + 1, Buffer.from(line)))
        findings.push(...verifier.finish())
        expect(findings).toEqual([])
        const { lost, chains } = verifier.summary
        const there = lines.filter(line => line.endsWith('}') && /"#\d+#"/.test(line)).length
        expect(chains.length).toBe(1)
        expect([there + lost, lost]).toEqual([records + 12, log.dropped])
      }),
      { numRuns: 200 },
    )
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
