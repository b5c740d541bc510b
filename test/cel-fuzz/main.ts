import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { StallWatch } from '../fuzz/stall-watch.js'
import { loadCorpus } from './corpus.js'
import { ours } from './engine.js'
import { trackNames } from './fuzz-case.js'
import { printReport } from './print-report.js'
import { runFuzz } from './run-fuzz.js'

const help = `Usage: npm run fuzz:cel -- [--minutes N] [--seed S] [--only TRACK] [--round R]

Searches for expressions and inputs that break the expression engine. Ends with 1 if it found one.

  --minutes N   how long, default 1
  --seed S      a number below 2^31; default random
  --only TRACK  one of ${trackNames.join(', ')}
  --round R     one round of the seed and track, to see a finding again
`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    only: { type: 'string' },
    round: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

async function fuzz(): Promise<void> {
  const [seed, minutes] = [Number(values.seed), Number(values.minutes)]
  const only = trackNames.find(name => name === values.only)
  const round = values.round === undefined ? undefined : Number(values.round)
  const numbers = [seed, minutes, round ?? 0]
  if (
    !numbers.every(number => Number.isFinite(number) && number >= 0) ||
    (values.only !== undefined && only === undefined)
  ) {
    process.stderr.write(help)
    process.exitCode = 2
    return
  }
  console.log(`seed ${seed}`)
  const end = performance.now() + minutes * 60_000
  const watch = new StallWatch(seed)
  const report = runFuzz({
    seed,
    corpus: loadCorpus(),
    engine: ours,
    ...(only !== undefined && { only }),
    first: round ?? 0,
    more: next => (round === undefined ? performance.now() < end : next === round),
    onCase: iteration => watch.at(iteration),
  })
  await watch.stop()
  console.log(printReport(report))
  if (report.found !== undefined) process.exitCode = 1
}

if (values.help) console.log(help)
else await fuzz()
