import { createReadStream, readFileSync } from 'node:fs'
import { visibleText } from '../documents/visible-text.js'
import { decisionLogJsonSchema } from '../telemetry/decision-log-schema.js'
import { chainKey } from '../telemetry/log-chain.js'
import { type ChainFinding, LogChainVerifier } from '../telemetry/log-chain-verifier.js'
import { readLines } from '../telemetry/read-lines.js'
import { defaultMaxLineBytes, type ReadRecord, readRecord } from '../telemetry/read-records.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz log verify [--key-file FILE] [--anchor DIGEST]... [--merged] [-o text|json] FILE...
       mcp-authz log check [-o text|json] FILE...
       mcp-authz log schema

verify  follows the chain of a decision log that was written with decisionLog.chain, and names each line that was changed,
        moved or added, and where lines are missing. Give the files in the order in which they were written, as in
        decisions.ndjson.2 decisions.ndjson.1 decisions.ndjson; "-" is standard input.
check   says of each line whether it is a record by the schema.
schema  prints the JSON Schema (draft 2020-12) of a line.

  --key-file FILE       the file that decisionLog.chainKeyFile names: checks the HMAC of each line. Without it, whoever can
                        write the log could have written a chain of their own
  --anchor DIGEST       a line with this digest must be there. verify prints the digest of the last line: note it where
                        whoever can write the log cannot. It alone shows that the end of a log was cut off
  --merged              lines of several processes stand mixed, as collectors leave them
  -o, --output FORMAT   text (default) or json

Exit codes: 0 nothing is wrong, 2 something is, 1 anything else. Records that the log itself says it lost are counted, and
are no fault.

Examples:
  mcp-authz log verify --key-file chain.key decisions.ndjson.1 decisions.ndjson
  mcp-authz log schema`

export const logCommand: Command = {
  name: 'log',
  summary: 'verify a decision log, and print its schema',
  help,
  run: log,
}

async function log(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const [action, ...rest] = args
  if (action === 'verify') return verify(rest, io)
  if (action === 'check') return check(rest, io)
  if (action !== 'schema') throw new UsageError('say what to do: log verify, log check, or log schema')
  if (rest.length > 0) throw new UsageError('log schema takes nothing else')
  io.out(JSON.stringify(decisionLogJsonSchema(), undefined, 2))
  return 0
}

const nothing: ChainFinding = {
  ...{ file: '', line: 0, problem: 'missing' },
  message: 'there is no line, but a chained log has one from its begin',
}

/** Findings that are kept for JSON; all are counted. */
const mostFindings = 1000
const mostAnchors = 1000

async function verify(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, {
    'key-file': { type: 'string' },
    anchor: { type: 'string', multiple: true },
    merged: { type: 'boolean' },
    output: { type: 'string', short: 'o', default: 'text' },
  })
  const { anchor = [], merged = false, 'key-file': keyFile } = values
  if (anchor.length > mostAnchors) throw new UsageError(`--anchor may be given ${mostAnchors} times at most`)
  for (const one of anchor) if (!/^[0-9a-f]{64}$/.test(one)) throw new UsageError('--anchor is 64 hex digits')
  const key = keyFile === undefined ? undefined : chainKey(readFileSync(keyFile))
  const verifier = new LogChainVerifier({ ...(key && { key }), merged, anchors: anchor })
  const findings = new Findings(io, values.output)
  await eachLine(positionals, io, ({ file, line, bytes, ended }) => {
    if (bytes?.length === 0) return
    for (const finding of verifier.push(file, line, bytes, ended)) findings.add(finding)
  })
  for (const finding of verifier.finish()) findings.add(finding)
  if (verifier.summary.lines === 0) findings.add(nothing)
  const { lines, lost, torn, chains, notes } = verifier.summary
  const unkeyed = key === undefined ? ['HMACs were not checked: give --key-file'] : []
  const told = [...notes, ...unkeyed]
  findings.end({ lines, lost, torn, chains, notes: told }, () => {
    for (const note of told) io.out(`note: ${note}`)
    for (const { chain, first, last, digest } of chains.slice(-mostShown))
      io.out(`chain ${chain}: lines ${first} to ${last}, the last with digest ${digest}`)
    return `${count(lines, 'line')}, ${count(chains.length, 'chain')}, ${count(lost, 'lost record')}`
  })
  return findings.total > 0 ? 2 : 0
}

/** Chains that are shown in text. */
const mostShown = 20

async function check(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, { output: { type: 'string', short: 'o', default: 'text' } })
  const findings = new Findings(io, values.output)
  const counts = { decisions: 0, results: 0, lost: 0 }
  await eachLine(positionals, io, ({ file, line, bytes, problem }) => {
    if (bytes?.length === 0) return
    const read: Omit<ReadRecord, 'line'> = bytes === undefined ? { problem: problem ?? '' } : readRecord(bytes)
    if (read.record !== undefined) counts.decisions++
    else if (read.other === undefined) findings.add({ file, line, message: read.problem ?? '' })
    else if ('event' in read.other) counts.lost += read.other.lost ?? 0
    else counts.results++
  })
  const { decisions, results, lost } = counts
  findings.end(
    counts,
    () => `${count(decisions, 'decision')}, ${count(results, 'result')}, ${count(lost, 'lost record')}`,
  )
  return findings.total > 0 ? 2 : 0
}

interface GivenLine {
  readonly file: string
  readonly line: number
  readonly bytes: Uint8Array | undefined
  readonly ended: boolean
  readonly problem: string | undefined
}

async function eachLine(files: readonly string[], io: CommandIo, onLine: (line: GivenLine) => void): Promise<void> {
  if (files.length === 0) throw new UsageError('name the files of the log, the oldest first; "-" is standard input')
  for (const file of files) {
    const stream = file === '-' ? createReadStream('', { fd: 0 }) : createReadStream(file)
    for await (const { line, bytes, ended, problem } of readLines(stream, defaultMaxLineBytes)) {
      if (io.signal.aborted) throw new Error('interrupted')
      onLine({ file, line, bytes, ended, problem })
    }
  }
}

type Told = Pick<ChainFinding, 'file' | 'line' | 'message'> & { readonly problem?: string }

/** Says each finding when it is found, or all of them in the end. */
class Findings {
  readonly #io: CommandIo
  readonly #json: boolean
  readonly #kept: Told[] = []
  total = 0

  constructor(io: CommandIo, output: string) {
    if (output !== 'text' && output !== 'json') throw new UsageError('--output is text or json')
    this.#io = io
    this.#json = output === 'json'
  }

  add(finding: Told): void {
    this.total++
    if (this.total > mostFindings) return
    if (this.#json) this.#kept.push(finding)
    else
      this.#io.out(visibleText(`${finding.file === '' ? '' : `${finding.file}:${finding.line}: `}${finding.message}`))
  }

  end(facts: object, tell: () => string): void {
    if (this.#json) {
      const { total } = this
      this.#io.out(
        JSON.stringify({ ok: total === 0, ...facts, findingsTotal: total, findings: this.#kept }, undefined, 2),
      )
      return
    }
    if (this.total > mostFindings) this.#io.out(`and ${this.total - mostFindings} more`)
    this.#io.out(`${tell()}, ${count(this.total, 'finding')}`)
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
