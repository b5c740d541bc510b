import { readFileSync, statSync } from 'node:fs'
import type { Failure } from '../decision/decision.js'
import { didYouMean } from '../documents/did-you-mean.js'
import { formatFinding } from '../documents/format-finding.js'
import { visibleText } from '../documents/visible-text.js'
import type { Server } from '../policy/server.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { type Asking, type CanI, canCall, canSend } from '../workbench/can-i/can-i.js'
import { type Listed, listCallable } from '../workbench/can-i/list-callable.js'
import { requestMessage, toolCallMessage } from '../workbench/hypothetical-request.js'
import { callerFlags, callerHelp, callerOf, jsonObject } from './caller-flags.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz can-i call SERVER/TOOL --as USER [--args JSON | --args-file FILE] [OPTIONS]
       mcp-authz can-i METHOD SERVER[/NAME] --as USER [--args JSON | --params JSON] [OPTIONS]
       mcp-authz can-i --list SERVER --as USER [--all] [OPTIONS]

Says whether a caller could make a call: yes, or no and why. Without arguments it says what holds whatever they are, or
which of them, and of what else, it depends on. Nothing is sent, and nobody has to be logged in.

The call:
  call SERVER/TOOL      a tool, by the name that clients call it by
  METHOD SERVER[/NAME]  any other method; NAME is the name of a prompt or the uri of a resource
  --args JSON           the arguments; --args-file FILE reads them from a file, "-" for stdin
  --params JSON         the whole params of a method that takes others
  --header NAME=VALUE   a request header; may be repeated
  --at TIME             when, e.g. 2026-01-15T22:30:00Z; default now
  --list SERVER         every tool and prompt of the Server's catalogue that can be called; --all: the others too

Who asks:
${callerHelp}

  -q, --quiet           say it with the exit code only
  -o, --output FORMAT   text (default) or json
${configHelp}

Exit codes: 0 yes (or a list), 1 no, 2 it depends on the arguments, 3 the policies do not compile; 1 also for wrong usage.

Examples:
  mcp-authz can-i call kubernetes/pods_delete --as alice --as-group team-a-developers --policies policies/demo
  mcp-authz can-i call kubernetes/pods_list_in_namespace --args '{"namespace":"team-b"}' --as alice --policies policies/demo
  mcp-authz can-i tools/list kubernetes --as alice --policies policies/demo
  mcp-authz can-i --list kubernetes --as alice --as-group team-a-developers --policies policies/demo`

const flags = {
  ...configFlags,
  ...callerFlags,
  list: { type: 'boolean' },
  all: { type: 'boolean' },
  args: { type: 'string' },
  'args-file': { type: 'string' },
  params: { type: 'string' },
  header: { type: 'string', multiple: true },
  at: { type: 'string' },
  quiet: { type: 'boolean', short: 'q' },
  output: { type: 'string', short: 'o', default: 'text' },
} as const
type Flags = ReturnType<typeof parseFlags<typeof flags>>['values']

export const canICommand: Command = {
  name: 'can-i',
  summary: 'say whether a caller could make a call, whatever its arguments',
  help,
  run: canI,
}

async function canI(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json')
  const question = questionOf(positionals, values)
  const principal = callerOf(values)
  const headers = headersOf(values.header ?? [])
  const now = timeOf(values.at)
  const loaded = await loadPolicies(values, io, { ask: true })
  try {
    const snapshot = loaded.store.current
    for (const finding of loaded.report.findings)
      if (snapshot === undefined || finding.severity === 'error') io.err(formatFinding(finding))
    if (snapshot === undefined) return 3
    const server = serverOf(snapshot, question.server)
    const asking: Asking = { snapshot, server, principal, now, headers }
    if (question.kind === 'list') return await list(asking, values, io)
    const can = question.kind === 'message' ? await canSend(asking, question.message) : await canCall(asking, question)
    if (values.quiet !== true)
      io.out(
        values.output === 'json'
          ? asJson({ ...asObject(can), policyRevision: snapshot.revision })
          : visibleText(asText(can), true),
      )
    return exitCodes[can.answer]
  } finally {
    await loaded.stop()
  }
}

const exitCodes = { yes: 0, no: 1, depends: 2 } as const satisfies Record<CanI['answer'], ExitCode>

type Question = { readonly server: string } & (
  | { readonly kind: 'list' }
  | { readonly kind: 'message'; readonly message: string }
  | { readonly kind: 'tool' | 'prompt'; readonly name: string }
)

function questionOf(positionals: readonly string[], values: Flags): Question {
  if (values.list === true) {
    const [server, ...more] = positionals
    if (server === undefined || more.length > 0) throw new UsageError('--list takes the name of one Server')
    if ([values.args, values['args-file'], values.params].some(value => value !== undefined))
      throw new UsageError('--list is about any arguments; leave out --args, --args-file and --params')
    return { kind: 'list', server }
  }
  if (values.all === true) throw new UsageError('--all goes with --list')
  const [method, resource, ...more] = positionals
  if (method === undefined || resource === undefined || more.length > 0)
    throw new UsageError('say what: can-i call SERVER/TOOL, can-i METHOD SERVER[/NAME] or can-i --list SERVER')
  const slash = resource.indexOf('/')
  const server = slash < 0 ? resource : resource.slice(0, slash)
  const name = slash < 0 ? undefined : resource.slice(slash + 1)
  if (server === '' || name === '') throw new UsageError(`"${resource}" is not SERVER/NAME`)
  return { server, ...askedOf(method, name, values) }
}

type Asked =
  | { readonly kind: 'message'; readonly message: string }
  | { readonly kind: 'tool' | 'prompt'; readonly name: string }

function askedOf(method: string, name: string | undefined, values: Flags): Asked {
  const args = argumentsOf(values)
  if (values.params !== undefined) {
    if (args !== undefined || name !== undefined)
      throw new UsageError('--params is all of them: leave out --args, --args-file and /NAME')
    jsonObject('--params', values.params)
    return { kind: 'message', message: requestMessage(method, values.params) }
  }
  if (method === 'call' || method === 'tools/call') {
    if (name === undefined) throw new UsageError('say which tool: can-i call SERVER/TOOL')
    return args === undefined ? { kind: 'tool', name } : { kind: 'message', message: toolCallMessage(name, args) }
  }
  if (method === 'prompts/get') {
    if (name === undefined) throw new UsageError('say which prompt: can-i prompts/get SERVER/PROMPT')
    if (args === undefined) return { kind: 'prompt', name }
    return {
      kind: 'message',
      message: requestMessage(method, `{"name":${JSON.stringify(name)},"arguments":${args}}`),
    }
  }
  if (args !== undefined) throw new UsageError(`--args are those of a tool or prompt; give --params for ${method}`)
  const params = name === undefined ? undefined : `{"uri":${JSON.stringify(name)}}`
  if (name !== undefined && !method.startsWith('resources/'))
    throw new UsageError(`${method} is about no name; write can-i ${method} SERVER, and give --params if it takes some`)
  return { kind: 'message', message: requestMessage(method, params) }
}

/** No arguments of a person are larger. */
const maxFileBytes = 16 * 1024 * 1024

function argumentsOf(values: Flags): string | undefined {
  const file = values['args-file']
  if (values.args !== undefined && file !== undefined) throw new UsageError('give one of --args and --args-file')
  if (file !== undefined && file !== '-' && statSync(file).size > maxFileBytes)
    throw new UsageError(`${file} is larger than ${maxFileBytes / 1024 / 1024} MiB`)
  const text = file === undefined ? values.args : readFileSync(file === '-' ? 0 : file, 'utf8')
  if (text !== undefined) jsonObject(file === undefined ? '--args' : file, text)
  return text
}

function timeOf(at: string | undefined): number {
  if (at === undefined) return Date.now()
  const zoned = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/.test(at)
  const time = zoned ? Date.parse(at) : Number.NaN
  if (Number.isNaN(time)) throw new UsageError('--at is a time with its zone, e.g. 2026-01-15T22:30:00Z')
  return time
}

function headersOf(given: readonly string[]): readonly (readonly [string, string])[] {
  return given.map(header => {
    const equals = header.indexOf('=')
    if (equals <= 0) throw new UsageError('--header is NAME=VALUE')
    return [header.slice(0, equals).toLowerCase(), header.slice(equals + 1)] as const
  })
}

function serverOf({ servers }: PolicySnapshot, name: string): Server {
  const server = servers.byName(name)
  if (server !== undefined) return server
  const names = servers.all.map(one => one.name)
  const near = didYouMean(name, names)
  const hint = near === undefined ? `; there are: ${names.join(', ')}` : `; did you mean "${near}"?`
  throw new UsageError(names.length === 0 ? 'the policies hold no Server' : `there is no Server "${name}"${hint}`)
}

async function list(asking: Asking, { output, all, quiet }: Flags, io: CommandIo): Promise<ExitCode> {
  const listed = await listCallable(asking)
  if (listed === undefined)
    throw new UsageError(
      `the Server "${asking.server.name}" has no catalogue that names its tools; explain --list --items FILE takes a list`,
    )
  if (quiet === true) return 0
  const policyRevision = asking.snapshot.revision
  if (output === 'json') {
    io.out(asJson({ items: listed.map(({ kind, name, can }) => ({ kind, name, ...asObject(can) })), policyRevision }))
    return 0
  }
  const shown = all === true ? listed : listed.filter(({ can }) => can.answer !== 'no')
  const width = Math.max(0, ...shown.map(({ name }) => name.length))
  const line = ({ kind, name, can }: Listed) =>
    `${kind.padEnd(6)}  ${name.padEnd(width)}  ${can.answer.padEnd(7)}  ${can.on.join(', ')}${reasonOf(can.why)}`
  for (const one of shown) io.out(visibleText(line(one).trimEnd()))
  const no = listed.filter(({ can }) => can.answer === 'no').length
  io.out(
    `${listed.length - no} of ${listed.length} can be called${all === true || no === 0 ? '' : '; --all shows why the others cannot'}`,
  )
  return 0
}

function reasonOf(why: Failure | undefined): string {
  if (why === undefined) return ''
  return why.policy === '' ? why.reason : `${why.reason} (${why.policy})`
}

function asText({ answer, whatever, on, why, would }: CanI): string {
  const always = whatever ? ', whatever the arguments' : ''
  switch (answer) {
    case 'depends':
      return `depends on ${on.join(', ')}`
    case 'no': {
      const hints = (why?.hints ?? []).map(hint => `\n  hint: ${hint}`).join('')
      return `no${always} - ${why?.message ?? ''} (${reasonOf(why)})${hints}`
    }
    case 'yes': {
      const text = (one: Failure) => `\n  would be denied if enforced: ${one.message} (${reasonOf(one)})`
      return `yes${always}${(would ?? []).map(text).join('')}`
    }
  }
}

function asObject({ answer, whatever, on, why, would }: CanI) {
  return {
    answer,
    whateverTheArguments: whatever,
    ...(answer === 'depends' && { dependsOn: on }),
    ...(why !== undefined && { why }),
    ...(would !== undefined && would.length > 0 && { would }),
  }
}

function asJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
}
