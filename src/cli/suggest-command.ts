import { createReadStream, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatFinding } from '../documents/format-finding.js'
import { visibleText } from '../documents/visible-text.js'
import { readRecords } from '../telemetry/read-records.js'
import { ExistingPolicies } from '../workbench/suggest/existing-policies.js'
import { Observations } from '../workbench/suggest/observations.js'
import { observeCall } from '../workbench/suggest/observed-call.js'
import { type Suggestion, suggest } from '../workbench/suggest/suggest.js'
import { count, type SuggestedDocument, slug } from '../workbench/suggest/suggested-document.js'
import { writeDocument, writeDocuments } from '../workbench/suggest/write-suggestion.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz suggest LOG... [--policies DIR...] [-o DIR] [--as grants|roles] [--group PATTERN]... [--missing]

Reads a decision log and writes the least policies that allow the calls in it: Grants, or roles and bindings of RBAC where
the Server asks for operations, and Guardrails in Audit for the arguments that were recorded. Calls that were denied are not
among them; calls that only Audit let pass for want of a permission are. It says what happened, not what should: read what it
writes. What it could not use is told on stderr.

  LOG                   a decision log (NDJSON), "-" for stdin; several are read one after the other. Whoever can write it
                        can make this suggest anything: see mcp-authz log verify
${configHelp}
                        With policies, it is known what each Server asks for and what its tools do; what is given already is
                        marked, and Grants and bindings that no call of the log can have used are listed
  --as FORM             grants or roles, whatever the Servers ask for
  --group PATTERN       name these groups wherever a member of them was seen ("*" is the wildcard); may be repeated. Without
                        it, a group is named if at least two of its members were seen, and all members seen did the same
  --missing             leave out what the policies give already
  -o, --output DIR      write files into this directory, which must not have them yet (default: stdout)
  --format FORMAT       yaml (default) or json, on stdout

Exit codes: 0 done, 1 the log cannot be used, or anything else, 3 the policies do not compile.

Examples:
  mcp-authz suggest decisions.ndjson
  mcp-authz suggest decisions.ndjson --policies policies --missing -o suggested`

const flags = {
  ...configFlags,
  as: { type: 'string' },
  group: { type: 'string', multiple: true },
  missing: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  format: { type: 'string', default: 'yaml' },
} as const
type Flags = ReturnType<typeof parseFlags<typeof flags>>['values']

export const suggestCommand: Command = {
  name: 'suggest',
  summary: 'write the least policies that allow the calls of a decision log',
  help,
  run: runSuggest,
}

async function runSuggest(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  const { as, format, output, group } = values
  if (positionals.length === 0) throw new UsageError('say which decision log, "-" for stdin')
  if (as !== undefined && as !== 'grants' && as !== 'roles') throw new UsageError('--as is grants or roles')
  if (format !== 'yaml' && format !== 'json') throw new UsageError('--format is yaml or json')
  if (format === 'json' && output !== undefined) throw new UsageError('--format json goes to stdout, without --output')
  const named = values.policies ?? values.config ?? values.set ?? io.env.MCP_AUTHZ_CONFIG
  if (values.missing === true && named === undefined) throw new UsageError('--missing goes with --policies')
  const existing = named === undefined ? undefined : await load(values, io)
  if (named !== undefined && existing === undefined) return 3
  const observations = await observe(positionals, existing, io)
  if (observations.calls === 0) {
    tellLeftOut(observations, io)
    throw new Error('no call in the log says anything of permissions')
  }
  const suggestion = suggest(observations, { existing, as, groups: group, onlyMissing: values.missing === true })
  if (format === 'json') io.out(asJson(observations, suggestion))
  else if (output === undefined) writeAll(observations, suggestion, io)
  else writeFiles(output, observations, suggestion, io)
  tellLeftOut(observations, io)
  for (const warning of suggestion.warnings) io.err(visibleText(`warning: ${warning}`))
  if (suggestion.documents.length === 0) io.err('nothing to suggest: what was seen needs no permission, or has it')
  if (format === 'yaml') for (const name of suggestion.unused) io.err(visibleText(`unused in this log: ${name}`))
  return 0
}

async function load(values: Flags, io: CommandIo): Promise<ExistingPolicies | undefined> {
  const loaded = await loadPolicies(values, io)
  await loaded.stop()
  const snapshot = loaded.store.current
  for (const finding of loaded.report.findings)
    if (snapshot === undefined || finding.severity === 'error') io.err(formatFinding(finding))
  return snapshot && new ExistingPolicies(snapshot, loaded.store.documents)
}

/** Milliseconds between reports. */
const progressMs = 2000
/** Broken lines that are named one by one. */
const mostProblems = 5

async function observe(
  files: readonly string[],
  existing: ExistingPolicies | undefined,
  io: CommandIo,
): Promise<Observations> {
  const observations = new Observations()
  let records = 0
  let problems = 0
  let told = performance.now()
  for (const file of files) {
    const stream = file === '-' ? createReadStream('', { fd: 0 }) : createReadStream(file)
    for await (const { line, record, problem } of readRecords(stream)) {
      if (io.signal.aborted) throw new Error('interrupted')
      if (problem !== undefined && ++problems <= mostProblems) io.err(`${file}:${line}: ${problem}`)
      if (record === undefined) continue
      records++
      const observed = observeCall(record, existing?.snapshot)
      if ('why' in observed) observations.leave(observed)
      else observations.add(observed)
      if (performance.now() - told < progressMs) continue
      told = performance.now()
      io.err(`${records} records read`)
    }
  }
  if (problems > 0) io.err(`${count(problems, 'line')} of the log could not be read`)
  if (records === 0) throw new Error(`there is no record of a decision in ${files.join(', ')}`)
  return observations
}

function tellLeftOut({ leftOut, free }: Observations, io: CommandIo): void {
  for (const [why, number] of [...leftOut].sort(([a], [b]) => (a < b ? -1 : 1)))
    io.err(`left out: ${count(number, 'record')} ${why}`)
  if (free > 0) io.err(`${count(free, 'call')} of methods that need no permission`)
}

function headingOf({ calls, free, first, last }: Observations): readonly string[] {
  return [
    `Suggested by "mcp-authz suggest": the least that allows ${count(calls - free, 'call')} from ${first} to ${last}.`,
    'It says what happened, not what should. Read each document before you use it.',
  ]
}

function writeAll(observations: Observations, { documents }: Suggestion, io: CommandIo): void {
  // A line end is added.
  if (documents.length > 0) io.out(writeDocuments(documents, headingOf(observations)).trimEnd())
}

function writeFiles(folder: string, observations: Observations, { documents }: Suggestion, io: CommandIo): void {
  const files = new Map<string, SuggestedDocument[]>()
  for (const one of documents) {
    const file = join(folder, `${slug(one.server) || 'server'}-${parts[one.kind]}.yaml`)
    files.set(file, [...(files.get(file) ?? []), one])
  }
  const there = [...files.keys()].filter(file => existsSync(file))
  if (there.length > 0) throw new Error(`nothing is overwritten, and there is already ${there.join(', ')}`)
  mkdirSync(folder, { recursive: true })
  for (const [file, own] of files) {
    writeFileSync(file, writeDocuments(own, headingOf(observations)), { flag: 'wx' })
    io.out(`${file}: ${count(own.length, 'document')}`)
  }
}

const parts = {
  Grant: 'grants',
  Role: 'rbac',
  ClusterRole: 'rbac',
  RoleBinding: 'rbac',
  ClusterRoleBinding: 'rbac',
  Guardrail: 'guardrails',
} as const satisfies Record<SuggestedDocument['kind'], string>

/** Stable: members are only ever added. */
function asJson({ calls, free, overflow, leftOut, first, last }: Observations, suggestion: Suggestion): string {
  return JSON.stringify(
    {
      ...{ from: first, to: last, calls, needNoPermission: free, noRoom: overflow },
      leftOut: [...leftOut].map(([why, records]) => ({ why, records })).sort((a, b) => (a.why < b.why ? -1 : 1)),
      documents: suggestion.documents.map(one => ({
        ...{ server: one.server, kind: one.kind, name: one.name },
        ...(one.namespace !== '' && { namespace: one.namespace }),
        ...{ comments: one.comments, document: one.value, yaml: writeDocument(one) },
      })),
      unused: suggestion.unused,
      warnings: suggestion.warnings,
    },
    undefined,
    2,
  )
}
