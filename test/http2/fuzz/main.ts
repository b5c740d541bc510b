import { randomInt } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { StallWatch } from '../../fuzz/stall-watch.js'
import { printHttp2Report } from './print-http2-report.js'
import { runHttp2Fuzz } from './run-http2-fuzz.js'

const help = `Usage: tsx test/http2/fuzz/main.ts [--minutes N] [--seed S] [--only ITERATION] [--track NAME] [--report FILE]

Talks to our HTTP/2 in every way that is right and in many that are not, and compares it with node:http2.

  --minutes N    how long, default 1
  --seed S       a number below 2^31; default random
  --only N       one iteration of the seed, to see a finding again
  --track NAME   only this kind of input; may repeat
  --report FILE  the counts and the finding as JSON
`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    only: { type: 'string' },
    track: { type: 'string', multiple: true },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

async function fuzz(): Promise<void> {
  const seed = Number(values.seed)
  const minutes = Number(values.minutes)
  const only = values.only === undefined ? undefined : Number(values.only)
  if (![seed, minutes, only ?? 0].every(number => Number.isFinite(number) && number >= 0)) {
    process.stderr.write(help)
    process.exitCode = 2
    return
  }
  console.log(`seed ${seed}`)
  const end = performance.now() + minutes * 60_000
  const watch = new StallWatch(seed)
  const report = await runHttp2Fuzz({
    seed,
    ...(values.track !== undefined && { tracks: values.track }),
    first: only ?? 0,
    more: iteration => (only === undefined ? performance.now() < end : iteration === only),
    onIteration: iteration => watch.at(iteration),
  })
  await watch.stop()
  console.log(printHttp2Report(report, values.track ?? []))
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(report, undefined, 2)}\n`)
  if (report.found === undefined) return
  const folder = join(tmpdir(), 'mcp-authz-http2-fuzz')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${seed}-${report.found.iteration}.txt`)
  writeFileSync(file, `${printHttp2Report(report, values.track ?? [])}\n`)
  console.log(`kept in ${file}`)
  process.exitCode = 1
}

if (values.help) console.log(help)
else await fuzz()
