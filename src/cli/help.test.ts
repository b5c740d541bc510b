import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogs, demo, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { packageRoot } from '../package-root.js'
import { openDecisionLogFile } from '../telemetry/decision-log.js'
import { chainKey } from '../telemetry/log-chain.js'
import { logOf, toolCall } from '../workbench/suggest/decision-log.fixture.js'
import { run } from './run.js'

/** Why an example of a help text cannot be run here. */
const leftOut: readonly (readonly [RegExp, string])[] = [
  [/^curl /, 'needs the admin port of a running Envoy; check --envoy is run by another example'],
  [/^kubectl /, 'needs a cluster; replay - is tested in replay-command.test.ts'],
  [/ --server-url /, 'needs an MCP server; test/e2e/init.e2e.test.ts runs it'],
  [/ catalog (?:import|diff) /, 'needs an MCP server; test/e2e/catalog-import.e2e.test.ts runs it'],
]

/** Exit codes other than 0, which say what the example shows. */
const codes: readonly (readonly [RegExp, number, string])[] = [
  [/^mcp-authz explain /, 2, 'the call is denied'],
  [/^mcp-authz can-i call kubernetes\/pods_delete /, 2, 'it depends on the arguments'],
  [/^mcp-authz can-i call kubernetes\/pods_list_in_namespace /, 1, 'no'],
  [/^mcp-authz diff .*(?:--fail-on changed)/, 2, 'the candidate denies more'],
]

/** What has to be in the folder of an example beside the policies. */
const prepared: readonly (readonly [RegExp, (folder: string) => Promise<void> | void])[] = [
  [/^mcp-authz log verify /, writeChainedLog],
  [/^mcp-authz (?:replay|suggest|diff) /, writeLog],
  [/^mcp-authz init /, writeTools],
]

const work = mkdtempSync(join(tmpdir(), 'mcp-authz-help-'))
const bin = join(work, 'bin')
const socket = join(work, 'run.sock')

/** The same with less work: how much they find is tested elsewhere. */
function quicker(args: readonly string[]): readonly string[] {
  const [name] = args
  const bound = name === 'diff' ? '--calls' : name === 'bench' ? '--seconds' : undefined
  if (bound === undefined) return args
  const least = name === 'diff' ? '500' : '1'
  const at = args.indexOf(bound)
  return at === -1 ? [...args, bound, least] : args.map((arg, index) => (index === at + 1 ? least : arg))
}

/** Runs commands in this process for the shell, which takes the example apart as it will for whoever copies it. */
const relay = createServer(connection => {
  const tell = (message: object) => void connection.write(`${JSON.stringify(message)}\n`)
  createInterface(connection).once('line', line => {
    const { args: written, cwd }: { args: string[]; cwd: string } = JSON.parse(line)
    const args = quicker(written)
    process.chdir(cwd)
    const abort = new AbortController()
    // Ports of their own, and an end: whoever serves is stopped as soon as it listens.
    const env = { MCP_AUTHZ_LISTENERS_0_PORT: '0', MCP_AUTHZ_HTTP_PORT: '0', MCP_AUTHZ_LOG_LEVEL: 'silent' }
    if (args[0] === 'serve') setTimeout(() => abort.abort(), 1500)
    const out = (text: string) => tell({ out: `${text}\n` })
    const err = (text: string) => tell({ err: `${text}\n` })
    void run(args, { out, err, env, signal: abort.signal }).then(code => {
      tell({ code })
      connection.end()
    })
  })
})

beforeAll(async () => {
  mkdirSync(bin)
  const program = join(bin, 'mcp-authz')
  writeFileSync(
    program,
    `#!${process.execPath}
const lines = require('node:readline').createInterface(
  require('node:net').connect(${JSON.stringify(socket)}, function () {
    this.write(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }) + '\\n')
  }),
)
process.exitCode = 99
lines.on('line', line => {
  const { out, err, code } = JSON.parse(line)
  if (out !== undefined) process.stdout.write(out)
  if (err !== undefined) process.stderr.write(err)
  if (code !== undefined) process.exitCode = code
})
`,
  )
  chmodSync(program, 0o755)
  await new Promise<void>(resolve => relay.listen(socket, resolve))
})
const home = process.cwd()
afterAll(async () => {
  process.chdir(home)
  await new Promise(resolve => relay.close(resolve))
  rmSync(work, { recursive: true })
})

let folders = 0
/** A folder with what the examples name: policies, candidates of them, a configuration of Envoy. */
async function newFolder(example: string): Promise<string> {
  const folder = join(work, `f${folders++}`)
  cpSync(join(packageRoot, 'policies/demo'), join(folder, 'policies/demo'), { recursive: true })
  cpSync(join(packageRoot, 'policies/demo'), join(folder, 'candidate'), { recursive: true })
  const guardrails = join(folder, 'candidate/guardrails.yaml')
  writeFileSync(guardrails, readFileSync(guardrails, 'utf8').replaceAll('n <= 5', 'n <= 4'))
  cpSync(join(packageRoot, 'envoy'), join(folder, 'envoy'), { recursive: true })
  mkdirSync(join(folder, '.config/fish/completions'), { recursive: true })
  for (const [pattern, prepare] of prepared) if (pattern.test(example)) await prepare(folder)
  return folder
}

async function writeLog(folder: string): Promise<void> {
  const alice = person('alice', ['team-a-developers'])
  const scale = (replicas: number) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'team-a',
    name: 'web',
    scale: replicas,
  })
  const lines = await logOf(storeOf([catalogs, demo], namesAsTokens({})), [
    toolCall(alice, 'kubernetes', 'pods_list_in_namespace', { namespace: 'team-a' }),
    toolCall(alice, 'kubernetes', 'resources_scale', scale(3)),
    toolCall(alice, 'kubernetes', 'resources_scale', scale(5)),
    toolCall(alice, 'kubernetes', 'resources_scale', scale(9)),
  ])
  writeFileSync(join(folder, 'decisions.ndjson'), `${lines.join('\n')}\n`)
}

async function writeChainedLog(folder: string): Promise<void> {
  const key = Buffer.alloc(32, 7)
  writeFileSync(join(folder, 'chain.key'), key)
  await writeLog(folder)
  const records = readFileSync(join(folder, 'decisions.ndjson'), 'utf8').trimEnd().split('\n')
  const path = join(folder, 'chained')
  const log = openDecisionLogFile(path, { chain: { key: chainKey(key) } })
  for (const record of records) log.write(record)
  await log.close()
  const lines = readFileSync(path, 'utf8').split(/(?<=\n)/)
  writeFileSync(join(folder, 'decisions.ndjson.1'), lines.slice(0, 2).join(''))
  writeFileSync(join(folder, 'decisions.ndjson'), lines.slice(2).join(''))
}

function writeTools(folder: string): void {
  const tools = [
    { name: 'read_file', description: 'Reads.', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  ]
  writeFileSync(join(folder, 'tools.json'), JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } }))
}

async function helpOf(...args: string[]): Promise<string> {
  const out: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    err: () => {},
    env: {},
    signal: new AbortController().signal,
  }
  expect(await run(['help', ...args], io)).toBe(0)
  return out.join('\n')
}

/** The commands below `Example:` or `Examples:`, each on lines of its own that a backslash joins. */
function examplesIn(help: string): readonly string[] {
  const [, text = ''] = /^Examples?:\n([\s\S]*)$/m.exec(help) ?? []
  return text
    .replaceAll(/\\\n +/g, '')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
}

interface Came {
  readonly code: unknown
  readonly text: string
}

function shell(command: string, cwd: string): Promise<Came> {
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: cwd }
  // What zsh sets, for the one who writes its completion there.
  const script = `fpath=(none "$PWD")\n${command}`
  return new Promise(resolve => {
    execFile('bash', ['-o', 'pipefail', '-c', script], { cwd, env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : error.code, text: out + err })
    })
  })
}

const overview = await helpOf()
const commands = [...overview.matchAll(/^ {2}([a-z][a-z-]*) {2,}\S/gm)].map(([, name = '']) => name)
const examples = (await Promise.all(commands.map(async name => examplesIn(await helpOf(name))))).flat()

describe('help', () => {
  it('is there for every command', () => {
    expect(commands).toEqual(expect.arrayContaining(['init', 'serve', 'check', 'test', 'completion', 'version']))
  })

  it.each(commands.filter(name => !['demo', 'version'].includes(name)))('of %s has examples', async name => {
    expect(examplesIn(await helpOf(name)).length).toBeGreaterThan(0)
  })

  it.each(commands)('of %s fits a terminal of 132 columns', async name => {
    expect((await helpOf(name)).split('\n').filter(line => line.length > 132)).toEqual([])
  })

  it('says of every example that is not run why, and of nothing else', () => {
    for (const [pattern] of leftOut)
      expect(examples.filter(one => pattern.test(one)).length, String(pattern)).toBeGreaterThan(0)
    for (const [pattern] of codes)
      expect(examples.filter(one => pattern.test(one)).length, String(pattern)).toBeGreaterThan(0)
  })
})

describe('an example', () => {
  const run = examples.filter(example => !leftOut.some(([pattern]) => pattern.test(example)))

  it.each(run)('%s', { timeout: 90_000 }, async example => {
    const folder = await newFolder(example)
    const before = readdirSync(folder)
    // A shell takes completion that is not there for well; that it is there, it can say.
    const told = example.startsWith('source ') ? ' && complete -p mcp-authz > told' : ''
    const { code, text } = await shell(`${example}${told}`, folder)
    const [, expected = 0] = codes.find(([pattern]) => pattern.test(example)) ?? []
    expect({ code, text }, text).toEqual({ code: expected, text })
    expect(text).not.toMatch(/--help$|no command|Unknown/m)
    // What it writes, it has written.
    const target = /> "?(?:\$\{fpath\[1\]\}\/|~\/)?([\w./-]+)/.exec(example)?.[1]
    if (target !== undefined && !target.startsWith('(')) expect(readFileSync(join(folder, target), 'utf8')).not.toBe('')
    if (/ init /.test(example)) expect(readdirSync(folder)).not.toEqual(before)
  })
})
