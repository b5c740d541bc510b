import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadConfig } from './config/load-config.js'
import { openDecisionLogs } from './open-decision-logs.js'
import { chainKey } from './telemetry/log-chain.js'
import { LogChainVerifier } from './telemetry/log-chain-verifier.js'
import { createLogging } from './telemetry/logger.js'

const folder = mkdtempSync(join(tmpdir(), 'records-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'chain.key'), Buffer.alloc(32, 9))
writeFileSync(join(folder, 'short.key'), 'short')

function open(decisionLog: string) {
  const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: { decisionLog: ${decisionLog} }\n`
  const loaded = loadConfig({ file: { path: join(folder, 'config.yaml'), text } })
  if (!loaded.ok) throw new Error(loaded.findings.map(({ message }) => message).join('; '))
  const said: string[] = []
  const stdout: string[] = []
  const logging = createLogging('info', { write: (line: string) => said.push(line) })
  const target = {
    write(chunk: Buffer, done: () => void) {
      stdout.push(String(chunk))
      setImmediate(done)
    },
  }
  return { logs: openDecisionLogs(loaded.config, logging, target), said, stdout }
}

const record = '{"version":"mcp-authz.dev/decision/v1"}'

describe('openDecisionLogs', () => {
  it('writes to stdout, or to a file, or to both', async () => {
    const { logs, stdout, said } = open('{ stdout: true, file: both.ndjson, rotate: {} }')
    for (const log of logs) log.write(record)
    await Promise.all(logs.map(log => log.close()))
    expect([stdout.join(''), readFileSync(join(folder, 'both.ndjson'), 'utf8')]).toEqual([`${record}\n`, `${record}\n`])
    expect(said).toEqual([])
  })

  it('chains each of them for itself, and tells their ends', async () => {
    const { logs, stdout, said } = open('{ stdout: true, file: c.ndjson, chain: true, chainKeyFile: chain.key }')
    for (const log of logs) log.write(record)
    await Promise.all(logs.map(log => log.close()))
    const texts = [stdout.join(''), readFileSync(join(folder, 'c.ndjson'), 'utf8')]
    for (const text of texts) {
      const verifier = new LogChainVerifier({ key: chainKey(Buffer.alloc(32, 9)) })
      const lines = text.trimEnd().split('\n')
      expect([lines.length, lines.flatMap((line, i) => verifier.push('f', i, Buffer.from(line)))]).toEqual([2, []])
      expect(verifier.finish()).toEqual([])
      const [chain] = verifier.summary.chains
      expect(said.join('\n')).toContain(
        `the decision log ends: chain ${chain?.chain}, last line 1 with digest ${chain?.digest}`,
      )
    }
  })

  it('says that arguments are recorded', () => {
    expect(open('{ arguments: { mode: all } }').said.join()).toContain('arguments are recorded')
  })

  it.each([
    ['a key that is too short', 'short.key', 'at least 32 bytes'],
    ['a key that is not there', 'no.key', 'ENOENT'],
  ])('does not start with %s', (_name, file, message) => {
    expect(() => open(`{ chain: true, chainKeyFile: ${file} }`)).toThrow(message)
  })
})
