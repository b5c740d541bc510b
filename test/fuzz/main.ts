import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { trackNames } from './fuzz-input.js'
import { printFuzzReport } from './print-fuzz-report.js'
import { type FuzzReport, runFuzz } from './run-fuzz.js'
import { loadSeeds } from './seeds.js'
import { StallWatch } from './stall-watch.js'
import { ours } from './subject.js'

const help = `Usage: npm run fuzz -- [--minutes N] [--seed S] [--only ITERATION] [--report FILE]

Searches for messages, headers, uris and bytes of the gateway that we read otherwise than others do.

  --minutes N    how long, default 1
  --seed S       a number below 2^31; default random
  --only N       one iteration of the seed, to see a finding again
  --track NAME   only this kind of input; may repeat
  --report FILE  the counts as JSON
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
  const tracks = values.track && trackNames.filter(name => values.track?.includes(name))
  const numbers = [seed, minutes, only ?? 0]
  if (!numbers.every(number => Number.isFinite(number) && number >= 0) || tracks?.length === 0) {
    process.stderr.write(help)
    process.exitCode = 2
    return
  }
  console.log(`seed ${seed}`)
  const end = performance.now() + minutes * 60_000
  const watch = new StallWatch(seed)
  const report = await runFuzz({
    seed,
    seeds: loadSeeds(),
    subject: ours,
    ...(tracks !== undefined && { tracks }),
    first: only ?? 0,
    more: iteration => (only === undefined ? performance.now() < end : iteration === only),
    onIteration: iteration => watch.at(iteration),
  })
  await watch.stop()
  console.log(printFuzzReport(report))
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(plain(report), undefined, 2)}\n`)
  if (report.found !== undefined) process.exitCode = 1
}

/** Bytes as base64, like in found.json. */
function plain(report: FuzzReport): unknown {
  if (report.found === undefined) return report
  const { input, smallest, ...found } = report.found
  const written = ({ track, headers, bytes }: typeof input) => ({
    track,
    headers,
    base64: Buffer.from(bytes).toString('base64'),
  })
  return { ...report, found: { ...found, input: written(input), smallest: written(smallest) } }
}

if (values.help) console.log(help)
else await fuzz()
