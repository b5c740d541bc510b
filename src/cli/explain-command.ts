import { readFileSync } from 'node:fs'
import type { Decision } from '../decision/decision.js'
import type { Step } from '../decision/trial.js'
import { formatFinding } from '../documents/format-finding.js'
import { visibleText } from '../documents/visible-text.js'
import type { Principal } from '../identity/principal.js'
import type { Server } from '../policy/server.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { assume, assumedPrincipal } from '../workbench/assumed-principal.js'
import { createJudge } from '../workbench/create-judge.js'
import { hypotheticalRequest, requestMessage, toolCallMessage } from '../workbench/hypothetical-request.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { explainList } from './explain-list.js'
import { configFlags, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz explain [--config FILE | --policies DIR...] CALL WHO [-o text|json]
       mcp-authz explain [--config FILE | --policies DIR...] --list WHO [-o text|json]

Judges one request with the policies as they stand and prints what every stage and every rule said. With --list, says of
each tool, prompt and resource whether a list shows it to the caller: unless every call of it is certain to be denied.

The call, one of:
  --tool NAME [--args JSON]       a tools/call
  --method NAME [--params JSON]   any other MCP method
  --request FILE                  a file with the JSON-RPC message, "-" for stdin

The list:
  --list                          what is shown of the tools and prompts that the Server's catalogue names
  --kind KIND                     only tools, prompts, resources or resourceTemplates
  --items FILE                    the result of tools/list and the like instead of the catalogue, "-" for stdin

Who asks, one of:
  --token-file FILE               a bearer token, verified as in service ("-" for stdin)
  --as USER [--as-group GROUP]... [--agent ALIAS:ID] [--scope S]... [--tenant T] [--claims JSON]
                                  a principal as it would be after verification; nothing is verified
  (neither: a request without a token)

  --server NAME                   needed when there is more than one Server
  --header NAME=VALUE             a request header; may be repeated

Exit codes: 0 allowed (or a list), 2 denied, 3 the policies do not compile, 1 anything else.

Example:
  mcp-authz explain --policies policies/demo --tool resources_scale \\
    --args '{"apiVersion":"apps/v1","kind":"Deployment","namespace":"team-a","name":"web","scale":10}' \\
    --as alice --as-group team-a-developers`

const flags = {
  ...configFlags,
  tool: { type: 'string' },
  args: { type: 'string' },
  method: { type: 'string' },
  params: { type: 'string' },
  request: { type: 'string' },
  list: { type: 'boolean' },
  kind: { type: 'string' },
  items: { type: 'string' },
  'token-file': { type: 'string' },
  as: { type: 'string' },
  'as-group': { type: 'string', multiple: true },
  agent: { type: 'string' },
  scope: { type: 'string', multiple: true },
  tenant: { type: 'string' },
  claims: { type: 'string' },
  server: { type: 'string' },
  header: { type: 'string', multiple: true },
  output: { type: 'string', short: 'o', default: 'text' },
} as const
type Flags = ReturnType<typeof parseFlags<typeof flags>>['values']

export const explainCommand: Command = {
  name: 'explain',
  summary: 'judge one request and print what every rule said',
  help,
  run: explain,
}

async function explain(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values } = parseFlags(args, flags)
  if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json')
  checkListFlags(values)
  const loaded = await loadPolicies(values, io, { ask: true })
  try {
    const snapshot = loaded.store.current
    const { findings } = loaded.report
    if (snapshot === undefined) {
      for (const finding of findings) io.err(formatFinding(finding))
      return 3
    }
    // With `brokenPolicies: serve` they are what many a denial is about.
    for (const finding of findings) if (finding.severity === 'error') io.err(formatFinding(finding))
    const server = chooseServer(snapshot, values.server)
    const token = values['token-file'] === undefined ? undefined : readInput(values['token-file']).trim()
    const headers = parseHeaders(values.header ?? [])
    const body = values.list === true ? listMessage : messageOf(values)
    const request = hypotheticalRequest(server, { body, headers, ...(token !== undefined && { token }) })
    const assumed = values.as === undefined ? undefined : principalOf(values)
    if (token !== undefined) await loaded.keysReady()
    if (values.list === true) {
      const { authenticator } = assumed === undefined ? snapshot : { authenticator: assume(assumed) }
      const authenticated = await authenticator.authenticate(request, server.audience)
      if (!authenticated.ok) throw new UsageError(`nobody is shown a list: ${authenticated.message}`)
      const { principal } = authenticated
      const items = values.items === undefined ? undefined : readInput(values.items)
      io.out(await explainList({ snapshot, server, principal, kind: values.kind, items }, values.output))
      return 0
    }
    const judge = createJudge({ snapshot, ...(assumed !== undefined && { principal: assumed }) })
    const { decision, steps } = await judge(request)
    io.out(
      values.output === 'json'
        ? asJson(decision, steps, snapshot.revision)
        : asText(decision, steps, snapshot.revision),
    )
    return decision.outcome === 'deny' ? 2 : 0
  } finally {
    await loaded.stop()
  }
}

function chooseServer(snapshot: PolicySnapshot, name: string | undefined): Server {
  const { all } = snapshot.servers
  if (name !== undefined) {
    const server = snapshot.servers.byName(name)
    if (server === undefined)
      throw new UsageError(`there is no Server "${name}"; there are: ${all.map(one => one.name).join(', ')}`)
    return server
  }
  const [only, ...others] = all
  if (only === undefined) throw new UsageError('the policies hold no Server')
  if (others.length > 0) throw new UsageError(`say which Server with --server: ${all.map(one => one.name).join(', ')}`)
  return only
}

/** A message of a file is judged as it is: bytes that are no text are refused, as in service. */
function messageOf(values: Flags): string | Buffer {
  const given = [values.tool, values.method, values.request].filter(value => value !== undefined)
  if (given.length !== 1) throw new UsageError('give exactly one of --tool, --method and --request')
  if (values.request !== undefined) return readBytes(values.request)
  if (values.tool !== undefined) {
    const args = values.args ?? '{}'
    checkJson('--args', args)
    return toolCallMessage(values.tool, args)
  }
  if (values.params !== undefined) checkJson('--params', values.params)
  return requestMessage(values.method ?? '', values.params)
}

const listMessage = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

function checkListFlags({ list, kind, items, tool, args, method, params, request }: Flags): void {
  if (list !== true) {
    if (kind !== undefined || items !== undefined) throw new UsageError('--kind and --items go with --list')
  } else if ([tool, args, method, params, request].some(value => value !== undefined)) {
    throw new UsageError('--list judges no call; leave out --tool, --args, --method, --params and --request')
  }
}

function checkJson(flag: string, text: string): JsonObject {
  const parsed = parseStrictJson(Buffer.from(text))
  if (!parsed.ok) throw new UsageError(`${flag} is not JSON: ${parsed.message}`)
  if (!isJsonObject(parsed.value)) throw new UsageError(`${flag} is not a JSON object`)
  return parsed.value
}

function parseHeaders(given: readonly string[]): readonly (readonly [string, string])[] {
  return given.map(header => {
    const equals = header.indexOf('=')
    if (equals <= 0) throw new UsageError('--header is NAME=VALUE')
    return [header.slice(0, equals).toLowerCase(), header.slice(equals + 1)] as const
  })
}

function principalOf(values: Flags): Principal {
  const [issuer = '', ...rest] = (values.agent ?? '').split(':')
  const id = rest.join(':')
  if (values.agent !== undefined && (issuer === '' || id === '')) throw new UsageError('--agent is ALIAS:ID')
  return assumedPrincipal({
    user: values.as ?? '',
    groups: values['as-group'] ?? [],
    scopes: values.scope ?? [],
    ...(values.agent !== undefined && { agent: { issuer, id } }),
    ...(values.tenant !== undefined && { tenant: values.tenant }),
    ...(values.claims !== undefined && { claims: checkJson('--claims', values.claims) }),
  })
}

function readInput(file: string): string {
  return readBytes(file).toString('utf8')
}

function readBytes(file: string): Buffer {
  return readFileSync(file === '-' ? 0 : file)
}

const marks: Readonly<Record<Step['outcome'], string>> = {
  pass: 'ok    ',
  fail: 'FAIL  ',
  'would fail': 'would ',
  warn: 'warn  ',
  'not matched': '-     ',
  info: '      ',
}

function asText(decision: Decision, steps: readonly Step[], revision: string): string {
  const lines = steps.map(
    ({ stage, rule, outcome, detail }) =>
      `  ${marks[outcome]}${stage.padEnd(14)}${rule === '' ? '' : `${rule}  `}${detail}`,
  )
  const { failure, would, answer } = decision
  lines.push(
    '',
    `${decision.outcome === 'deny' ? 'DENIED' : 'ALLOWED'}${failure ? ` by ${failure.reason}${failure.policy === '' ? '' : ` (${failure.policy})`}` : ''}`,
  )
  if (failure) lines.push(`  ${failure.message}`, ...failure.hints.map(hint => `  hint: ${hint}`))
  for (const one of would)
    lines.push(
      `  would be denied if enforced: ${one.reason}${one.policy === '' ? '' : ` (${one.policy})`}: ${one.message}`,
    )
  if (answer.kind === 'respond') lines.push(`  the client gets HTTP ${answer.status}: ${answer.body}`)
  else for (const { name, value } of answer.setHeaders) lines.push(`  header  ${name}: ${value}`)
  lines.push(`  policy revision ${revision}`)
  return lines.map(line => visibleText(line.trimEnd(), true)).join('\n')
}

function asJson(decision: Decision, steps: readonly Step[], revision: string): string {
  const { id, outcome, failure, would, warnings, answer } = decision
  return JSON.stringify(
    { id, outcome, failure, would, warnings, answer, steps, policyRevision: revision },
    undefined,
    2,
  )
}
