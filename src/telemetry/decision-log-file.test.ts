import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openDecisionLogFile } from './decision-log.js'
import { DecisionLogFile, type DecisionLogFileOptions } from './decision-log-file.js'
import { chainKey, digestOf } from './log-chain.js'
import { LogChainVerifier } from './log-chain-verifier.js'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'log-'))
  directories.push(directory)
  return join(directory, 'd.ndjson')
}

const read = (path: string) => readFileSync(path, 'utf8')
const put = (file: DecisionLogFile, text: string) =>
  new Promise<void>((resolve, reject) => file.write(Buffer.from(text), error => (error ? reject(error) : resolve())))

async function using(path: string, options: DecisionLogFileOptions, use: (file: DecisionLogFile) => Promise<void>) {
  const file = new DecisionLogFile(path, options)
  await use(file)
  await file.close()
}

describe('DecisionLogFile', () => {
  it('puts a full file aside, and keeps so many', async () => {
    const path = newPath()
    await using(path, { rotate: { maxBytes: 10, files: 2 } }, async file => {
      for (const text of ['1111\n', '2222\n', '3333\n', '4444\n', '5555\n', '6666\n', '7\n']) await put(file, text)
    })
    expect([read(path), read(`${path}.1`), read(`${path}.2`), existsSync(`${path}.3`)]).toEqual([
      '7\n',
      '5555\n6666\n',
      '3333\n4444\n',
      false,
    ])
    expect(statSync(path).mode & 0o007).toBe(0)
  })

  it('writes what is larger than a file, and counts what was there', async () => {
    const path = newPath()
    writeFileSync(path, '12345678\n')
    await using(path, { rotate: { maxBytes: 10, files: 5 } }, async file => {
      await put(file, 'much larger than that\n')
      await put(file, 'x\n')
    })
    expect([read(path), read(`${path}.1`), read(`${path}.2`)]).toEqual(['x\n', 'much larger than that\n', '12345678\n'])
  })

  it.each(['renamed', 'removed'])('opens a file anew that somebody else has %s', async what => {
    const path = newPath()
    let now = 0
    await using(path, { now: () => now }, async file => {
      await put(file, 'a\n')
      if (what === 'renamed') renameSync(path, `${path}.old`)
      else rmSync(path)
      await put(file, 'b\n')
      now = 1001
      await put(file, 'c\n')
    })
    expect(read(path)).toBe('c\n')
    if (what === 'renamed') expect(read(`${path}.old`)).toBe('a\nb\n')
  })

  it('goes on at the end of a file that somebody has cut', async () => {
    const path = newPath()
    await using(path, {}, async file => {
      await put(file, 'a\n')
      truncateSync(path)
      await put(file, 'b\n')
    })
    expect(read(path)).toBe('b\n')
  })

  it('goes on in the file it has if it cannot be put aside, and tells', async () => {
    const path = newPath()
    const errors: unknown[] = []
    writeFileSync(path, '')
    const options = { rotate: { maxBytes: 3, files: 1 }, onError: (error: unknown) => errors.push(error) }
    await using(path, options, async file => {
      // A directory that is not empty cannot be replaced.
      directories.push(`${path}.1`)
      writeFileSync(join(mkdirAt(`${path}.1`), 'x'), '')
      for (const text of ['a\n', 'b\n', 'c\n']) await put(file, text)
    })
    expect([read(path), errors.length]).toEqual(['a\nb\nc\n', 1])
  })

  it.each<[string, string, { digest: string | undefined; torn: boolean }]>([
    ['nothing', '', { digest: undefined, torn: false }],
    ['whole lines', 'a\nb\n', { digest: digestOf('b'), torn: false }],
    ['one line', 'a\n', { digest: digestOf('a'), torn: false }],
    ['half a line', 'a\nb\n{"c', { digest: digestOf('b'), torn: true }],
    ['nothing but half a line', '{"c', { digest: undefined, torn: true }],
    ['a line that is too long', `${'x'.repeat(1_200_000)}\n`, { digest: undefined, torn: false }],
  ])('knows how the log before it ended: %s', async (_name, text, end) => {
    const path = newPath()
    writeFileSync(path, text)
    await using(path, {}, async file => expect(file.end).toEqual(end))
  })

  it('knows how the log ended that was just put aside', async () => {
    const path = newPath()
    writeFileSync(`${path}.1`, 'a\nb\n')
    await using(path, {}, async file => expect(file.end).toEqual({ digest: digestOf('b'), torn: false }))
  })
})

describe('openDecisionLogFile with a chain', () => {
  const key = chainKey(Buffer.alloc(32, 1))
  const record = (n: number) => JSON.stringify({ version: 'mcp-authz.dev/decision/v1', decision_id: String(n) })

  async function write(path: string, from: number, count: number, maxBytes = 1500): Promise<void> {
    const log = openDecisionLogFile(path, { chain: { key }, rotate: { maxBytes, files: 100 }, gatherMs: 0 })
    for (let i = from; i < from + count; i++) {
      log.write(record(i))
      if (i % 3 === 0) await new Promise(resolve => setTimeout(resolve, 1))
    }
    await log.close()
  }

  function verify(paths: readonly string[]) {
    const verifier = new LogChainVerifier({ key })
    const findings = paths.flatMap(path => {
      const lines = read(path)
        .split('\n')
        .filter(line => line !== '')
      return lines.flatMap((line, i) => verifier.push(path, i + 1, Buffer.from(line)))
    })
    findings.push(...verifier.finish())
    return { findings, ...verifier.summary }
  }

  const filesOf = (path: string) => {
    const files = [path]
    for (let i = 1; existsSync(`${path}.${i}`); i++) files.unshift(`${path}.${i}`)
    return files
  }

  it('goes on over rotations, restarts and a crash in the middle of a line', async () => {
    const path = newPath()
    await write(path, 0, 30)
    await write(path, 30, 30)
    appendFileSync(path, '{"version":"mcp-auth')
    await write(path, 60, 5, 1_000_000)
    truncateSync(path, statSync(path).size - 1)
    await write(path, 65, 5, 1_000_000)
    const files = filesOf(path)
    expect(files.length).toBeGreaterThan(3)
    const { findings, torn, chains, notes } = verify(files)
    expect(findings).toEqual([])
    expect([torn, chains.length, notes]).toEqual([1, 4, []])
    const text = files.map(read).join('')
    for (let i = 0; i < 70; i++) expect(text.split(`"decision_id":"${i}"`).length).toBe(2)
    expect(verify(files.toSpliced(2, 1)).findings).toMatchObject([{ problem: 'missing' }])
  })

  it('tells where the chain stands', async () => {
    const path = newPath()
    const log = openDecisionLogFile(path, { chain: {} })
    expect(log.sealed?.lines).toBe(0)
    log.write(record(1))
    await log.close()
    const [, last = ''] = read(path).trimEnd().split('\n')
    expect(log.sealed).toMatchObject({ lines: 2, digest: digestOf(last) })
  })
})

function mkdirAt(path: string): string {
  mkdirSync(path)
  return path
}
