import { readFileSync, statSync } from 'node:fs'
import { configJsonSchema } from '../config/config-json-schema.js'
import { inShadow } from '../create-shadow.js'
import type { Finding } from '../documents/finding.js'
import { formatFinding } from '../documents/format-finding.js'
import { visibleText } from '../documents/visible-text.js'
import { checkEnvoy, type EnvoyCheckOptions, type EnvoyReport } from '../gateway-check/check-envoy.js'
import { packageVersion } from '../package-version.js'
import type { ShadowReport } from '../shadow/shadow-set.js'
import { codeOf, type PolicyCode } from '../workbench/check/check-codes.js'
import { checkPolicies } from '../workbench/check/check-policies.js'
import type { CheckedSet } from '../workbench/check/checked-set.js'
import { type FixableFinding, FixableFindings } from '../workbench/check/fixable-findings.js'
import { formatReach } from '../workbench/check/format-reach.js'
import { formatSarif } from '../workbench/check/format-sarif.js'
import { policyReaches, serverReaches } from '../workbench/check/policy-reach.js'
import { type FixedFile, fixFiles } from './check-fix.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { type ConfigFlagValues, configFlags, configHelp, type LoadedPolicies, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz check [DIR...] [--fix] [--explain-policies] [--envoy FILE...] [-o text|wide|json|sarif] [--schema]

Compiles the configuration and the policies as serve would, and reports what is wrong: file, line, column, and what to
write instead. Says what serve does not, too: expressions that most likely do not do what was meant, rules that can never
matter, rules that contradict each other (docs/check.md). Opens nothing; changes nothing without --fix.

  DIR                   a directory of policies, or one file, the same as --policies DIR. Manifests of ConfigMaps are read
                        for the policies in them, as a cluster would
${configHelp}
  --fix                 make the changes that are shown under findings, but for those that would give somebody something.
                        Only files of directories are changed, never links nor ConfigMaps, and none that changed meanwhile
  --explain-policies    say of each policy what it matches and what it costs; the same as -o wide
  --envoy FILE          an Envoy configuration (bootstrap, file of resources, or /config_dump; YAML or JSON): reports
                        settings that open a way around mcp-authz; may be repeated. Alone, policies are not looked at;
                        with policies, the names of Servers on the routes are checked too
  -o, --output FORMAT   text (default), wide (text and the table of --explain-policies), json, or sarif for code scanning
  --schema              print the JSON Schema of the Config document and stop

Exit codes: 0 all is well, 1 a file cannot be read, 2 warnings only, 3 something does not compile or opens a way around.
With --fix, of what is left.

Examples:
  mcp-authz check policies/demo
  mcp-authz check policies/demo -o wide
  mcp-authz check policies/demo --fix
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

const formats = ['text', 'wide', 'json', 'sarif'] as const

async function check(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, {
    ...configFlags,
    envoy: { type: 'string', multiple: true },
    fix: { type: 'boolean' },
    'explain-policies': { type: 'boolean' },
    output: { type: 'string', short: 'o', default: 'text' },
    schema: { type: 'boolean' },
  })
  if (values.schema === true) {
    io.out(JSON.stringify(configJsonSchema(), undefined, 2))
    return 0
  }
  const format = formats.find(one => one === values.output)
  if (format === undefined) throw new UsageError(`--output is one of ${formats.join(', ')}`)
  const wide = format === 'wide' || values['explain-policies'] === true
  if (wide && format === 'sarif') throw new UsageError('--explain-policies goes with text and json')
  const policies = [...(values.policies ?? []), ...positionals]
  const { config, set, envoy: envoyFiles = [] } = values
  const envoyAlone = envoyFiles.length > 0 && policies.length === 0 && config === undefined && set === undefined
  if (envoyAlone && (wide || values.fix === true))
    throw new UsageError(`${wide ? '--explain-policies' : '--fix'} is about policies; name them`)
  const look = () => lookAt({ ...values, policies }, io)
  const before = envoyAlone ? undefined : await look()
  const fixed = values.fix === true && before !== undefined ? fixFiles(before.findings) : []
  const looked = fixed.length > 0 ? await look() : before
  const envoy =
    envoyFiles.length === 0 ? undefined : checkEnvoy(envoyFiles.map(readEnvoyFile), envoyOptions(looked?.loaded))
  const reaches = wide ? looked?.set && reachesOf(looked.set) : undefined
  const findings = [...(looked?.findings.all.map(({ finding }) => finding) ?? []), ...(envoy?.findings ?? [])]

  if (format === 'json') io.out(asJson({ looked, envoy, reaches, fixed: values.fix === true ? fixed : undefined }))
  else if (format === 'sarif') {
    const others = (envoy?.findings ?? []).map(finding => ({ finding, fix: undefined }))
    const all = [...(looked?.findings.all ?? []), ...others]
    io.out(formatSarif(all, packageVersion, file => looked?.findings.textOf(file)))
  } else {
    for (const { file, changes, diff } of fixed) {
      io.out(`${file}: ${count(changes, 'change')} made`)
      for (const line of diff) io.out(`    ${visibleText(line)}`)
    }
    if (looked !== undefined) {
      for (const one of looked.findings.all) say(one, io)
      const { documents, revision } = looked.loaded.report
      io.out(`${count(documents, 'document')}, ${counts(looked.own)}, revision ${revision}`)
      if (looked.shadow !== undefined && looked.shadow.revision !== '')
        io.out(
          `in the shadow: ${count(looked.shadow.documents.length, 'document')}, revision ${looked.shadow.revision}`,
        )
    }
    if (reaches !== undefined) for (const line of ['', ...formatReach(reaches.policies, reaches.servers)]) io.out(line)
    if (wide && looked?.set === undefined) io.err('what policies match can be told once they compile')
    if (envoy !== undefined) {
      for (const { code, ...finding } of envoy.findings) io.out(formatFinding({ ...finding, subject: code, path: '' }))
      io.out(envoySummary(envoyFiles.length, envoy))
    }
  }
  if (findings.some(isError)) return 3
  return findings.length > 0 ? 2 : 0
}

interface Looked {
  readonly loaded: LoadedPolicies
  /** undefined while something does not compile. */
  readonly set: CheckedSet | undefined
  /** What is tried beside those in force; its findings are among the others. */
  readonly shadow: ShadowReport | undefined
  readonly findings: FixableFindings
  /** The same, without what mends them. */
  readonly own: readonly Finding[]
}

async function lookAt(values: ConfigFlagValues, io: CommandIo): Promise<Looked> {
  const loaded = await loadPolicies(values, io, { lint: true })
  await loaded.stop()
  const { store, report, fileClusters, compile } = loaded
  const snapshot = report.findings.some(isError) ? undefined : store.current
  const set = snapshot && { snapshot, documents: store.documents, fileClusters: new Set(fileClusters) }
  const shadow = loaded.shadow()
  const own = [
    ...report.findings,
    ...(set === undefined ? [] : checkPolicies(set, report.findings)),
    ...(shadow?.findings.map(inShadow) ?? []),
  ]
  return { loaded, set, shadow, own, findings: new FixableFindings(own, compile) }
}

function reachesOf(set: CheckedSet) {
  return { policies: policyReaches(set), servers: serverReaches(set) }
}

/** Codes that say no more than the severity. */
const vague: ReadonlySet<string> = new Set<PolicyCode>(['invalid', 'attention'])

function say({ finding, fix, diff }: FixableFinding, io: CommandIo): void {
  const code = codeOf(finding)
  io.out(formatFinding(vague.has(code) ? finding : { ...finding, code }))
  if (fix?.effect === 'suggests') io.out('    if that is what you mean (--fix leaves it to you):')
  for (const line of diff) io.out(`    ${visibleText(line)}`)
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

interface Report {
  readonly looked: Looked | undefined
  readonly envoy: EnvoyReport | undefined
  readonly reaches: ReturnType<typeof reachesOf> | undefined
  readonly fixed: readonly FixedFile[] | undefined
}

function asJson({ looked, envoy, reaches, fixed }: Report): string {
  const { managers, checkedManagers, routes } = envoy ?? {}
  const report = looked?.loaded.report
  const own = looked?.findings.all.map(one => looked.findings.toJson(one)) ?? []
  return JSON.stringify(
    {
      ...(report !== undefined && { documents: report.documents, revision: report.revision }),
      ...(envoy !== undefined && { envoy: { managers, checkedManagers, routes } }),
      ...reaches,
      ...(fixed !== undefined && { fixed }),
      findings: [...own, ...(envoy?.findings ?? [])],
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
