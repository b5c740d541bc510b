import { statSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RE2JS } from 're2js'
import type { Config } from '../config/config.js'
import { seesAnswers } from '../config/sees-answers.js'
import { capabilitiesOf } from '../create-upstream.js'
import { configMapKinds } from '../policy/config-map-source.js'
import { createDirectorySource } from '../policy/directory-source.js'
import { createManifestSources } from '../policy/manifest-source.js'
import { shippedCatalogs } from '../service.js'
import { findTests } from '../workbench/policy-tests/find-test-files.js'
import { formatRun, type RunFormat, runFormats } from '../workbench/policy-tests/format-run.js'
import type { PolicySetOptions } from '../workbench/policy-tests/policy-set.js'
import type { PolicyTest } from '../workbench/policy-tests/policy-test.js'
import { runPolicyTests } from '../workbench/policy-tests/run-policy-tests.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, readConfig } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz test [PATH...] [--filter REGEX] [--coverage] [--watch] [-o FORMAT]

Runs the tests of policies: documents of kind PolicyTest in files named *_test.yaml (docs/testing-policies.md). Each call is
judged by the code of the service at a fixed time; nothing is connected to. What a test does not expect to be allowed is
expected to be denied.

  PATH                  a file of tests, or a directory with such files at any depth (default: the policies that the flags
                        below name, else the current directory)
${configHelp}
                        Without any of these, the policies of a test are those that its spec.policies names, else
                        those in its own directory and below
  --filter REGEX        only tests whose name (DOCUMENT/TEST) holds a match of this expression of RE2
  --coverage            which rules of the policies decided something in these tests, and which no test met
  --coverage-threshold PERCENT
                        fail if fewer of the rules decided something; implies --coverage
  --fail-on-empty       fail if no test ran
  --watch               run again whenever a test or a policy changes, until interrupted
  -v, --verbose         say of tests that passed, too, what came
  -o, --output FORMAT   text (default), json, junit, tap or github (annotations of workflows)

Exit codes: 0 all passed, 1 a file cannot be read, 2 a test failed, 3 policies or tests do not compile.

Examples:
  mcp-authz test policies/demo
  mcp-authz test policies/demo --filter replicas --verbose
  mcp-authz test policies --coverage --coverage-threshold 50`

export const testCommand: Command = { name: 'test', summary: 'run the tests of policies', help, run: test }

const flags = {
  ...configFlags,
  filter: { type: 'string' },
  coverage: { type: 'boolean' },
  'coverage-threshold': { type: 'string' },
  'fail-on-empty': { type: 'boolean' },
  watch: { type: 'boolean' },
  verbose: { type: 'boolean', short: 'v' },
  output: { type: 'string', short: 'o', default: 'text' },
} as const

interface Settings {
  readonly paths: readonly string[]
  readonly config: Config
  /** Directories that stand for whatever a test says. */
  readonly policies: readonly string[] | undefined
  readonly configured: boolean
  readonly format: RunFormat
  readonly selects: ((name: string) => boolean) | undefined
  readonly coverage: boolean
  readonly threshold: number | undefined
  readonly failOnEmpty: boolean
  readonly verbose: boolean
}

async function test(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  const format = runFormats.find(one => one === values.output)
  if (format === undefined) throw new UsageError(`--output is one of ${runFormats.join(', ')}`)
  const configured = values.config !== undefined || values.set !== undefined || io.env.MCP_AUTHZ_CONFIG !== undefined
  const config = readConfig(values, io)
  const sources = config.sources.flatMap(source => (source.from === 'directory' ? [source.directory] : []))
  const policies = configured || values.policies !== undefined ? sources : undefined
  const threshold = thresholdOf(values['coverage-threshold'])
  const settings: Settings = {
    paths: positionals.length > 0 ? positionals : (policies ?? ['.']),
    ...{ config, policies, configured, format, threshold },
    selects: values.filter === undefined ? undefined : selectorOf(values.filter),
    coverage: values.coverage === true || threshold !== undefined,
    failOnEmpty: values['fail-on-empty'] === true,
    verbose: values.verbose === true,
  }
  return values.watch === true ? watch(settings, io) : (await runOnce(settings, io)).code
}

function thresholdOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const percent = Number(text)
  if (text.trim() === '' || !(percent >= 0 && percent <= 100))
    throw new UsageError('--coverage-threshold is a number from 0 to 100')
  return percent
}

function selectorOf(expression: string): (name: string) => boolean {
  try {
    const compiled = RE2JS.compile(expression)
    return name => compiled.matcher(name).find()
  } catch (error) {
    throw new UsageError(`--filter is no expression of RE2: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Milliseconds between two words about how far a long run has come. */
const progressMs = 2000

async function runOnce(
  settings: Settings,
  io: CommandIo,
): Promise<{ readonly code: ExitCode; readonly tests: readonly PolicyTest[] }> {
  const { paths, format, selects, coverage, threshold, failOnEmpty, verbose } = settings
  const found = findTests(paths)
  let toldAt = performance.now()
  const ran = await runPolicyTests({
    tests: found.tests,
    policiesOf: test => policySetOf(test, settings),
    coverage,
    signal: io.signal,
    ...(selects !== undefined && { selects }),
    onProgress(done, of) {
      if (performance.now() - toldAt < progressMs) return
      toldAt = performance.now()
      io.err(`${done} of ${of} tests`)
    },
  })
  if (io.signal.aborted) throw new Error('interrupted; not all tests ran')
  const report = { ...ran, findings: [...found.findings, ...ran.findings] }
  io.out(formatRun(report, format, { verbose, threshold }))
  const { tests } = found
  if (report.findings.some(({ severity }) => severity === 'error')) return { code: 3, tests }
  if (report.failed > 0) return { code: 2, tests }
  if (report.cases.length === 0) {
    io.err(
      found.files.length === 0
        ? `no files named *_test.yaml in ${paths.join(', ')}`
        : 'no test ran: the filter leaves none over',
    )
    return { code: failOnEmpty ? 2 : 0, tests }
  }
  const covered = report.coverage?.percent ?? 100
  return { code: threshold !== undefined && covered < threshold ? 2 : 0, tests }
}

/** The flags win, so that tests can be run against policies that are about to replace those beside them. */
function policySetOf(
  test: PolicyTest,
  settings: Settings,
): { readonly key: string; readonly options: PolicySetOptions } {
  const { config, configured } = settings
  const directories = directoriesOf(test, settings)
  const kinds = config.sources.flatMap(source => (source.from === 'configMaps' ? source.kinds : []))
  const options = { configMapKinds: kinds.length === 0 ? configMapKinds : kinds }
  const configuredSources = config.sources.flatMap(source => (source.from === 'directory' ? [source] : []))
  const wanted = settings.policies === undefined ? directories.map(directory => ({ directory })) : configuredSources
  return {
    key: directories.join('\0'),
    options: {
      sources: [
        createDirectorySource({ directory: shippedCatalogs, kinds: ['ToolCatalog'], trust: 0 }),
        ...wanted.flatMap(source => createManifestSources({ ...source, ...options })),
      ],
      compile: {
        insecureLoopbackIssuers: config.identity.insecureLoopbackIssuers,
        seesAnswers: seesAnswers(config),
      },
      clusters: [...config.clusters.keys()],
      ...(configured && { upstream: capabilitiesOf(config) }),
    },
  }
}

function directoriesOf({ file, policies, finding }: PolicyTest, settings: Settings): readonly string[] {
  if (settings.policies !== undefined) return settings.policies
  const own = dirname(resolve(file))
  return (policies ?? ['.']).map((path, index) => {
    if (isAbsolute(path)) {
      const { location } = finding(['spec', 'policies', index], '')
      throw new Error(
        `${location.file}:${location.line}:${location.column}: spec.policies: write "${path}" relative to the test`,
      )
    }
    return resolve(own, path)
  })
}

/** Milliseconds between two looks at the files. */
const lookMs = 300

async function watch(settings: Settings, io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = 0
  let folders = foldersOf(settings, [])
  let seen: string | undefined
  const look = () => folders.map(directory => createDirectorySource({ directory }).fingerprint()).join('\n')
  while (!io.signal.aborted) {
    const now = look()
    if (now !== seen) {
      seen = now
      try {
        const { code: came, tests } = await runOnce(settings, io)
        code = came
        const all = foldersOf(settings, tests)
        if (all.length !== folders.length) {
          folders = all
          seen = look()
        }
      } catch (error) {
        if (io.signal.aborted) break
        // A file that is being written comes back.
        io.err(error instanceof Error ? error.message : String(error))
        code = 1
      }
      io.err('watching for changes; interrupt to end')
    }
    await sleep(lookMs, undefined, { signal: io.signal }).catch(() => undefined)
  }
  return code
}

function foldersOf(settings: Settings, tests: readonly PolicyTest[]): readonly string[] {
  const given = settings.paths.map(path => (isDirectory(path) ? resolve(path) : dirname(resolve(path))))
  return [...new Set([...given, ...tests.flatMap(one => directoriesOf(one, settings))])]
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
