import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openDecisionLogFile } from '../telemetry/decision-log.js'
import { decisionLogJsonSchema } from '../telemetry/decision-log-schema.js'
import { chainKey } from '../telemetry/log-chain.js'
import { UsageError } from './command.js'
import { logCommand } from './log-command.js'

const folder = mkdtempSync(join(tmpdir(), 'log-command-'))
afterAll(() => rmSync(folder, { recursive: true }))

const secret = Buffer.alloc(32, 5)
const keyFile = join(folder, 'chain.key')
writeFileSync(keyFile, secret)
const record = (n: number) =>
  `{"version":"mcp-authz.dev/decision/v1","decision_id":"${n}","timestamp":"2026-11-21T04:27:51.503Z","mode":"enforce","decision":"allow","subject":{"kind":"user","user":"secret-name","groups":[],"issuer":""},"door":"d","listener":"l"}`

async function cli(...args: string[]) {
  const out: string[] = []
  const io = { out: (text: string) => out.push(text), err: () => {}, env: {}, signal: new AbortController().signal }
  const code = await logCommand.run(args, io)
  return { code, out: out.join('\n') }
}

async function newLog(name: string, records: number): Promise<string> {
  const path = join(folder, name)
  const log = openDecisionLogFile(path, { chain: { key: chainKey(secret) } })
  for (let i = 0; i < records; i++) log.write(record(i))
  await log.close()
  return path
}

describe('log verify', async () => {
  const path = await newLog('good.ndjson', 5)
  const bad = join(folder, 'bad.ndjson')
  writeFileSync(bad, readFileSync(path, 'utf8').replace('"decision_id":"2"', '"decision_id":"x"'))

  it('follows a log', async () => {
    const { code, out } = await cli('verify', '--key-file', keyFile, path)
    expect(out).toMatch(
      /^chain [0-9a-f]{16}: lines 0 to 5, the last with digest [0-9a-f]{64}\n6 lines, 1 chain, 0 lost records, 0 findings$/,
    )
    expect(code).toBe(0)
  })

  it('says that it checked no HMAC', async () => {
    expect((await cli('verify', path)).out).toMatch(/^note: HMACs were not checked: give --key-file\n/)
  })

  it('names what is wrong by file and line, and tells nothing of it', async () => {
    const { code, out } = await cli('verify', '--key-file', keyFile, bad)
    expect(out).toContain(`${bad}:4: the line is not the one that the next line follows: it was changed`)
    expect(out).toContain('1 finding')
    expect(out).not.toContain('secret-name')
    expect(code).toBe(2)
  })

  it('prints JSON', async () => {
    const { code, out } = await cli('verify', bad, '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      lines: 6,
      lost: 0,
      torn: 0,
      chains: [{ first: 0, last: 5 }],
      findingsTotal: 1,
      findings: [{ file: bad, line: 4, problem: 'changed' }],
    })
    expect(code).toBe(2)
  })

  it('follows several files in the order in which they are given', async () => {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const [first, second] = [join(folder, 'a'), join(folder, 'b')]
    writeFileSync(first, `${lines.slice(0, 3).join('\n')}\n`)
    writeFileSync(second, `${lines.slice(3).join('\n')}\n`)
    expect((await cli('verify', '--key-file', keyFile, first, second)).code).toBe(0)
    expect((await cli('verify', '--key-file', keyFile, second, first)).code).toBe(2)
  })

  it('wants the lines that were noted elsewhere', async () => {
    const { out } = await cli('verify', path)
    const digest = /digest ([0-9a-f]{64})/.exec(out)?.[1] ?? ''
    expect((await cli('verify', '--anchor', digest, path)).code).toBe(0)
    const { code, out: said } = await cli('verify', '--anchor', digest, bad, '--anchor', '0'.repeat(64))
    expect(said).toContain(`no line has the digest ${'0'.repeat(64)}`)
    expect(code).toBe(2)
  })

  it('is not impressed by other files', async () => {
    const other = join(folder, 'other')
    writeFileSync(other, Buffer.concat([Buffer.alloc(3_000_000, 1), Buffer.from('\nhello\n\n{}\n')]))
    const { code, out } = await cli('verify', other)
    expect(out).toContain('3 findings')
    expect(code).toBe(2)
  })

  it('finds that a file is empty', async () => {
    writeFileSync(join(folder, 'empty'), '')
    expect(await cli('verify', join(folder, 'empty'))).toMatchObject({
      code: 2,
      out: expect.stringContaining('there is no line'),
    })
  })
})

describe('log check', () => {
  it('says which lines are no records', async () => {
    const path = await newLog('check.ndjson', 2)
    expect(await cli('check', path)).toEqual({ code: 0, out: '2 decisions, 0 results, 0 lost records, 0 findings' })
    appendFileSync(path, '{"version":"mcp-authz.dev/decision/v1"}\nx\n')
    const { code, out } = await cli('check', path)
    expect(out).toBe(
      `${path}:4: not a record: "decision_id" is not as expected\n${path}:5: not a JSON object: This is not one complete JSON text (at character 0).\n2 decisions, 0 results, 0 lost records, 2 findings`,
    )
    expect(code).toBe(2)
  })
})

describe('log', () => {
  it('prints the schema', async () => {
    expect(JSON.parse((await cli('schema')).out)).toEqual(decisionLogJsonSchema())
  })

  it.each<[string, string[], string]>([
    ['nothing to do', [], 'say what to do'],
    ['something else to do', ['sign'], 'say what to do'],
    ['no file', ['verify'], 'name the files'],
    ['another output', ['verify', '-o', 'xml', 'f'], '--output is text or json'],
    ['an anchor that is none', ['verify', '--anchor', 'abc', 'f'], '64 hex digits'],
    ['more than it needs', ['schema', 'x'], 'takes nothing else'],
  ])('refuses %s', async (_name, args, message) => {
    await expect(cli(...args)).rejects.toThrow(message)
    await expect(cli(...args)).rejects.toBeInstanceOf(UsageError)
  })

  it('says what cannot be read', async () => {
    await expect(cli('verify', join(folder, 'nowhere'))).rejects.toThrow('ENOENT')
    await expect(cli('verify', '--key-file', join(folder, 'empty'), 'f')).rejects.toThrow('at least 32 bytes')
  })

  it('has examples that are commands', () => {
    const examples = logCommand.help.slice(logCommand.help.indexOf('Examples:')).split('\n').slice(1)
    expect(examples.map(line => line.trim().split(' ').slice(0, 3).join(' '))).toEqual([
      'mcp-authz log verify',
      'mcp-authz log schema',
    ])
  })
})
