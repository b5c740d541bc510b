import { parseArgs } from 'node:util'
import { cases } from './cases.js'
import { type Comparison, compareResults } from './compare-results.js'
import { type Path, type PathName, pathNames, startPath } from './paths.js'
import { prepareSuites, type Suites, SuitesUnavailable } from './prepare-suites.js'
import { runSuite, type SuiteResult } from './run-suite.js'

const help = `Usage: npm run conformance:mcp -- [--path NAME]... [--server NAME]... [--scenario NAME] | --prepare

Runs the official conformance suites of MCP against servers, directly and through Envoy with mcp-authz, and compares every
check. Fetches the suites once, and Node 22 where this one is older.

  --path NAME      ${pathNames.map(name => `"${name}"`).join(', ')}
  --server NAME    ${cases.map(({ server }) => `"${server}"`).join(', ')}
  --scenario NAME  one scenario only
  --prepare        only fetch what is needed; npm test then runs a part of this

Status 1: a check differs, or something was complained about. Status 2: nothing was run.
`

const { values } = parseArgs({
  options: {
    path: { type: 'string', multiple: true, default: [...pathNames] },
    server: { type: 'string', multiple: true, default: cases.map(({ server }) => server) },
    scenario: { type: 'string' },
    prepare: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

interface Row extends Comparison {
  readonly server: string
  readonly suite: string
  readonly path: PathName
}

async function main(): Promise<number> {
  let suites: Suites
  try {
    suites = await prepareSuites(text => console.log(text))
  } catch (error) {
    if (!(error instanceof SuitesUnavailable)) throw error
    process.stderr.write(`Nothing was run: ${error.message}\n`)
    return 2
  }
  if (values.prepare) return 0
  const rows: Row[] = []
  const complaints: string[] = []
  for (const { server, start, runs } of cases.filter(({ server }) => values.server.includes(server))) {
    const direct = await start()
    const expected = await runAll(suites, `${direct.origin}/mcp`, runs).finally(() => direct.stop())
    for (const path of pathNames.filter(name => values.path.includes(name))) {
      const way = await startPath(path, start)
      const found = await runAll(suites, way.url, runs).finally(() =>
        stopAndHear(way, `${server}, ${path}`, complaints),
      )
      for (const [suite, result] of expected) {
        const row = { server, suite, path, ...compareResults(result, found.get(suite) ?? new Map()) }
        rows.push(row)
        printRow(row)
      }
    }
  }
  for (const complaint of complaints) console.log(`complaint: ${complaint}`)
  const sum = (count: (row: Row) => number) => rows.reduce((total, row) => total + count(row), 0)
  const differences = sum(row => row.differences.length)
  console.log(
    `${rows.length} comparisons, ${sum(row => row.scenarios)} scenarios, ${sum(row => row.checks)} checks, ` +
      `${differences} different, ${complaints.length} complaints`,
  )
  return differences > 0 || complaints.length > 0 || rows.length === 0 ? 1 : 0
}

async function runAll(suites: Suites, url: string, runs: (typeof cases)[number]['runs']) {
  const results = new Map<string, SuiteResult>()
  for (const [name, wanted] of Object.entries(runs)) {
    const { scenario } = values
    results.set(name, await runSuite(suites, url, { ...wanted, ...(scenario !== undefined && { scenario }) }))
  }
  return results
}

async function stopAndHear(path: Path, name: string, complaints: string[]): Promise<void> {
  complaints.push(...path.complaints().map(line => `${name}: ${line}`))
  if (path.decisions() === 0) complaints.push(`${name}: mcp-authz was not asked`)
  await path.stop()
}

function printRow({ server, suite, path, scenarios, checks, passed, differences }: Row): void {
  const columns = [server.padEnd(21), suite.padEnd(27), path.padEnd(21)]
  const counts = `${scenarios} scenarios, ${checks} checks (${passed} passed directly), ${differences.length} different`
  console.log(`${columns.join(' ')} ${counts}`)
  for (const { scenario, check, direct, through } of differences)
    console.log(
      `  ${scenario}${check === undefined ? '' : `, ${check}`}\n    directly: ${direct}\n    through:  ${through}`,
    )
}

if (values.help) console.log(help)
else process.exitCode = await main()
