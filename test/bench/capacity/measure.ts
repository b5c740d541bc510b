import { availableParallelism, cpus, setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import type { Code } from '../server-process.js'
import { type Inputs, writeInputs } from './inputs.js'
import { inChild } from './measure-child.js'
import { measureDecisions } from './measure-decisions.js'
import { measureIdentity } from './measure-identity.js'
import { measureLists } from './measure-lists.js'
import { measureReviews } from './measure-reviews.js'
import { measureVariants, type Variant } from './measure-transport.js'
import type { SetSize } from './policy-sets.js'

const help = `Usage: tsx test/bench/capacity/measure.ts [--only SECTION]... [--write]

Measures what the capacity model is made of, as processor time, and prints it as JSON. Needs a build (npm run build); the
section reviews starts a real Kubernetes API server, which has to have been built (npm run test:kube does). Takes about
seven minutes of processor time, most of it in loads and variants.

  --only SECTION  decisions, lists, identity, reviews, variants, loads, entries, configMaps; may be repeated
  --code src      measures the sources as they are in place of the build (dist): a little slower
  --write         puts the results into inputs.json, in the place of those that are there`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    code: { type: 'string', default: 'dist' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const code: Code = values.code === 'src' ? 'src' : 'dist'
const native = 'listeners.0.transport=native'
/** A busy machine would have the program refuse requests, and those cost less. */
const patient = 'overload.maxTurnMs=10000'

/** Flags count over those of test/bench/server-process.ts; 0 is the default of Node. */
const variants: readonly Variant[] = [
  { name: 'grpc-js', settings: [patient] },
  { name: 'grpc-js, default heap', flags: ['--initial-old-space-size=0'], settings: [patient] },
  { name: 'native', settings: [native, patient] },
  { name: 'native, default heap', flags: ['--initial-old-space-size=0'], settings: [native, patient] },
  {
    name: 'native, semi-space 64',
    flags: ['--initial-old-space-size=0', '--max-semi-space-size=64'],
    settings: [native, patient],
  },
]

const nothing: SetSize = { servers: 0, toolsPerServer: 0, guardrails: 0, grants: 0, bindings: 0 }
const sets: readonly SetSize[] = [
  nothing,
  { ...nothing, servers: 100, toolsPerServer: 50, guardrails: 100 },
  { ...nothing, servers: 10, toolsPerServer: 10, guardrails: 1000 },
  { ...nothing, servers: 10, toolsPerServer: 10, grants: 1000 },
  { ...nothing, servers: 1, toolsPerServer: 1, bindings: 10_000 },
  { ...nothing, servers: 1000, toolsPerServer: 50, guardrails: 100 },
  { servers: 500, toolsPerServer: 4, guardrails: 1500, grants: 500, bindings: 500 },
]

const costs = { rounds: 12, roundMs: 8, warmUpMs: 2500 }

const sections: Readonly<Record<string, () => Promise<Partial<Inputs>>>> = {
  decisions: async () => ({ decisions: await measureDecisions(code, costs) }),
  lists: async () => ({ lists: await measureLists(code, { ...costs, warmUpMs: 700 }) }),
  identity: async () => ({ identity: await measureIdentity(code, costs) }),
  reviews: async () => ({ reviews: await measureReviews(320, 5) }),
  variants: async () => ({ variants: await measureVariants(code, variants, { rounds: 6, calls: 1000 }) }),
  async loads() {
    const loads: Inputs['loads'][number][] = []
    for (const size of sets) loads.push({ ...size, ...(await inChild('load', code, size)) })
    return { loads }
  },
  async entries() {
    const tokens = await inChild('tokens', code, 4000)
    const answers = await inChild('reviews', code, 20_000)
    const bindings = [await inChild('bindings', code, 10_000), await inChild('bindings', code, 50_000)]
    return { tokens, answers, bindings }
  },
  async configMaps() {
    const few = await inChild('configMaps', code, 500, 1)
    return {
      configMaps: [few, await inChild('configMaps', code, 500, 100), await inChild('configMaps', code, 500, 1000)],
    }
  },
}

if (values.help) console.log(help)
else {
  setPriority(19)
  const chosen = values.only.length === 0 ? Object.keys(sections) : values.only
  const machine = `${availableParallelism()} virtual cores (${cpus()[0]?.model ?? 'unknown'}), shared with others`
  let measured: Partial<Inputs> = { machine, node: process.version }
  for (const name of chosen) {
    const section = sections[name]
    if (section === undefined) throw new Error(`there is no section ${name}: ${Object.keys(sections).join(', ')}`)
    process.stderr.write(`${name}\n`)
    measured = { ...measured, ...(await section()) }
    if (values.write) writeInputs(measured)
  }
  console.log(JSON.stringify(measured, undefined, 2))
  process.exit(0)
}
