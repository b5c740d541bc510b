import { readFileSync, statSync } from 'node:fs'
import { configJsonSchema } from '../config/config-json-schema.js'
import type { Finding } from '../documents/finding.js'
import { formatFinding } from '../documents/format-finding.js'
import { checkEnvoy, type EnvoyCheckOptions, type EnvoyReport } from '../gateway-check/check-envoy.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, type LoadedPolicies, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz check [DIR...] [--envoy FILE...] [-o text|json] [--schema]

Compiles the configuration and the policies as serve would, and reports what is wrong: file, line, column, and what to
write instead. Lints expressions too, which serve does not. Opens nothing, changes nothing.

  DIR                   a directory of policies, or one file, the same as --policies DIR. Manifests of ConfigMaps are read
                        for the policies in them, as a cluster would
${configHelp}
  --envoy FILE          an Envoy configuration (bootstrap, file of resources, or /config_dump; YAML or JSON): reports
                        settings that open a way around mcp-authz; may be repeated. Alone, policies are not looked at;
                        with policies, the names of Servers on the routes are checked too
  -o, --output FORMAT   text (default) or json
  --schema              print the JSON Schema of the Config document and stop

Exit codes: 0 all is well, 1 a file cannot be read, 2 warnings only, 3 something does not compile or opens a way around.

Examples:
  mcp-authz check policies/demo
  mcp-authz check policies/demo --envoy envoy/ext-authz.yaml
  curl -s localhost:9901/config_dump > dump.json && mcp-authz check --envoy dump.json`

export const checkCommand: Command = {
  name: 'check',
  summary: 'compile configuration and policies, look at the gateway, and report what is wrong',
  help,
  run: check,
}

/** No configuration of a person is larger; what is smaller gets a finding with a place. */
const maxFileBytes = 64 * 1024 * 1024

async function check(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, {
    ...configFlags,
    envoy: { type: 'string', multiple: true },
    output: { type: 'string', short: 'o', default: 'text' },
    schema: { type: 'boolean' },
  })
  if (values.schema === true) {
    io.out(JSON.stringify(configJsonSchema(), undefined, 2))
    return 0
  }
  if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json')
  const policies = [...(values.policies ?? []), ...positionals]
  const { config, set, envoy: envoyFiles = [] } = values
  const envoyAlone = envoyFiles.length > 0 && policies.length === 0 && config === undefined && set === undefined
  const loaded = envoyAlone ? undefined : await loadPolicies({ ...values, policies }, io, { lint: true })
  await loaded?.stop()
  const envoy = envoyFiles.length === 0 ? undefined : checkEnvoy(envoyFiles.map(readEnvoyFile), envoyOptions(loaded))

  const findings = [...(loaded?.report.findings ?? []), ...(envoy?.findings ?? [])]
  if (values.output === 'json') io.out(asJson(loaded, envoy, findings))
  else {
    if (loaded !== undefined) {
      const { findings: own, documents, revision } = loaded.report
      for (const finding of own) io.out(formatFinding(finding))
      io.out(`${count(documents, 'document')}, ${counts(own)}, revision ${revision}`)
    }
    if (envoy !== undefined) {
      for (const { code, ...finding } of envoy.findings) io.out(formatFinding({ ...finding, subject: code, path: '' }))
      io.out(envoySummary(envoyFiles.length, envoy))
    }
  }
  if (findings.some(isError)) return 3
  return findings.length > 0 ? 2 : 0
}

function readEnvoyFile(file: string) {
  if (statSync(file).size > maxFileBytes) throw new Error(`${file} is larger than ${maxFileBytes / 1024 / 1024} MiB`)
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file)) }
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`${file} is not UTF-8`)
    throw error
  }
}

/** What the rest of the configuration says about the gateway's: the tightest listener, and the Servers. */
function envoyOptions(loaded: LoadedPolicies | undefined): EnvoyCheckOptions {
  if (loaded === undefined) return {}
  const servers = loaded.store.current?.servers.all
  return {
    maxMessageBytes: Math.min(...loaded.config.listeners.map(({ maxMessageBytes }) => maxMessageBytes)),
    judgesRequests: loaded.config.listeners.some(({ door, judgesRequests }) => door === 'ext-proc' && judgesRequests),
    ...(servers !== undefined && {
      servers: new Set(servers.flatMap(({ name, namespace }) => [name, `${namespace}/${name}`])),
    }),
  }
}

function asJson(
  loaded: LoadedPolicies | undefined,
  envoy: EnvoyReport | undefined,
  findings: readonly Finding[],
): string {
  const { managers, checkedManagers, routes } = envoy ?? {}
  return JSON.stringify(
    {
      ...(loaded !== undefined && { documents: loaded.report.documents, revision: loaded.report.revision }),
      ...(envoy !== undefined && { envoy: { managers, checkedManagers, routes } }),
      findings,
    },
    undefined,
    2,
  )
}

/** Says what was looked at, so that nobody takes silence about a file for its praise. */
function envoySummary(files: number, { managers, checkedManagers, routes, findings }: EnvoyReport): string {
  const guarded = `mcp-authz in ${checkedManagers} of ${count(managers, 'connection manager')}`
  return `${count(files, 'Envoy file')}, ${guarded}, ${count(routes, 'route')}, ${counts(findings)}`
}

function counts(findings: readonly Finding[]): string {
  const errors = findings.filter(isError).length
  return `${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}`
}

function isError({ severity }: Finding): boolean {
  return severity === 'error'
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
