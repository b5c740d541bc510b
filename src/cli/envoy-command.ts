import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { didYouMean } from '../documents/did-you-mean.js'
import { formatFinding } from '../documents/format-finding.js'
import { packageRoot } from '../package-root.js'
import type { Server } from '../policy/server.js'
import { type Endpoint, envoyConfiguration } from '../workbench/envoy-configuration.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

/** Those with one Server, whose names and places can be filled in. */
const fillable = ['ext-authz', 'ext-authz-and-ext-proc', 'ext-proc'] as const
const others = ['jwt-authn', 'mtls-spiffe', 'a2a-and-llm'] as const

const help = `Usage: mcp-authz envoy [STYLE] [OPTIONS]

Prints an Envoy configuration for one of your Servers: the example of that style, comments and all, with your names and
places. docs/envoy.md says what each setting is for.

  STYLE                 ext-authz (default)       decides about requests
                        ext-authz-and-ext-proc    and looks at answers: lists, sessions, results
                        ext-proc                  both in one filter
                        jwt-authn, mtls-spiffe, a2a-and-llm   are printed as they are
  --server NAME         the Server document; its path becomes the route. Default: the only one, with --policies or
                        --config; without those, the example's
  --listen HOST:PORT    where clients connect (default 127.0.0.1:8080)
  --upstream HOST:PORT  the MCP server (default 127.0.0.1:8081)
  --authz HOST:PORT     mcp-authz (default 127.0.0.1:9001; 9003 for ext-proc)
  --answers HOST:PORT   its response door, with ext-authz-and-ext-proc (default 127.0.0.1:9003)
${configHelp}

Exit codes: 0 printed, 1 anything else, 3 the policies do not compile.

Examples:
  mcp-authz envoy ext-proc --upstream mcp.tools.svc:8080 --authz mcp-authz.mcp-authz.svc:9003
  mcp-authz envoy --policies policies/demo > envoy.yaml && mcp-authz check --envoy envoy.yaml`

export const envoyCommand: Command = {
  name: 'envoy',
  summary: 'print an Envoy configuration for one of your Servers',
  help,
  run: printEnvoy,
}

const flags = {
  ...configFlags,
  server: { type: 'string' },
  listen: { type: 'string' },
  upstream: { type: 'string' },
  authz: { type: 'string' },
  answers: { type: 'string' },
} as const

async function printEnvoy(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  const [style = 'ext-authz', ...more] = positionals
  if (more.length > 0) throw new UsageError(`one STYLE, not ${positionals.length}`)
  const { listen, upstream, authz, answers } = values
  if (others.some(other => other === style)) {
    if (Object.keys(values).length > 0) throw new UsageError(`${style} is printed as it is; leave out the options`)
    io.out(readExample(style).trimEnd())
    return 0
  }
  if (!fillable.some(one => one === style)) {
    const near = didYouMean(style, [...fillable, ...others])
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    throw new UsageError(`there is no style "${style}"${hint}`)
  }
  if (answers !== undefined && style !== 'ext-authz-and-ext-proc')
    throw new UsageError(`--answers goes with ext-authz-and-ext-proc; ${style} has one door`)
  const server = await serverOf(values, io)
  if (server === 'broken') return 3
  const places = {
    ...(server !== undefined && { server: server.name, ...('path' in server && { path: server.path }) }),
    ...endpoint('listen', listen),
    ...endpoint('upstream', upstream),
    ...endpoint('authz', authz),
    ...endpoint('answers', answers),
  }
  io.out(envoyConfiguration(readExample(style), places).trimEnd())
  return 0
}

type Named = Pick<Server, 'name' | 'path'> | { readonly name: string }

async function serverOf(
  values: { readonly server?: string | undefined; readonly config?: string; readonly policies?: readonly string[] },
  io: CommandIo,
): Promise<Named | undefined | 'broken'> {
  if (values.config === undefined && values.policies === undefined && io.env.MCP_AUTHZ_CONFIG === undefined)
    return values.server === undefined ? undefined : { name: values.server }
  const loaded = await loadPolicies(values, io)
  try {
    const servers = loaded.store.current?.servers
    if (servers === undefined) {
      for (const finding of loaded.report.findings) io.err(formatFinding(finding))
      return 'broken'
    }
    const names = servers.all.map(({ name }) => name)
    if (values.server === undefined) {
      const [only, ...rest] = servers.all
      if (only !== undefined && rest.length === 0) return only
      throw new UsageError(
        names.length === 0 ? 'the policies hold no Server' : `say which with --server: ${names.join(', ')}`,
      )
    }
    const server = servers.byName(values.server)
    if (server === undefined)
      throw new UsageError(`there is no Server "${values.server}"; there are: ${names.join(', ')}`)
    return server
  } finally {
    await loaded.stop()
  }
}

function endpoint<Name extends string>(name: Name, text: string | undefined): { readonly [key in Name]?: Endpoint } {
  if (text === undefined) return {}
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s/]+)):([0-9]{1,5})$/.exec(text)
  const port = Number(found?.[3])
  const host = found?.[1] ?? found?.[2]
  if (host === undefined || port < 1 || port > 65_535) throw new UsageError(`--${name} is HOST:PORT, not "${text}"`)
  const made: { [key in Name]?: Endpoint } = {}
  made[name] = { host, port }
  return made
}

const examples = join(packageRoot, 'envoy')

function readExample(style: string): string {
  return readFileSync(join(examples, `${style}.yaml`), 'utf8')
}
