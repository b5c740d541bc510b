import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { manifestCases } from '../../src/rbac/rbac-manifests.fixture.js'
import { Random } from '../fuzz/random.js'
import { type Oracle, startOracle } from './ask-oracle.js'
import { buildOracle } from './build-oracle.js'
import { compareReplies } from './compare-replies.js'
import { generateQuestion, requestsPerQuestion } from './generate-question.js'
import { ourReply } from './our-reply.js'
import { recordedQuestions, writeRecording } from './recording.js'

const help = `Usage: npm run test:rbac-oracle -- [--pairs N] [--seed S] [--record]

Compares our RBAC with that of Kubernetes (built from source, with Go) on random objects and requests.

  --pairs N   how many pairs of an object set and a request, default 100,000
  --seed S    a number below 2^31; default random
  --record    write the answers that npm test compares with where there is no Go

Status 1: a difference was found. Status 2: nothing was compared.
`

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const mostShown = 10
const atOnce = 64

async function compare(program: string, pairs: number, seed: number): Promise<void> {
  const oracle = startOracle(program)
  const count = { sets: 0, pairs: 0, objects: 0, refused: 0, allowed: 0, explained: 0, differences: 0 }
  const sets = Math.ceil(pairs / requestsPerQuestion)
  const one = async (iteration: number): Promise<void> => {
    const question = generateQuestion(new Random(seed, iteration))
    const reply = oracle.ask(question)
    const ours = ourReply(question)
    const theirs = await reply
    count.sets++
    count.pairs += question.requests.length
    count.objects += question.objects.length
    count.refused += theirs.refused.filter(why => why !== '').length
    count.allowed += theirs.answers.filter(({ allowed }) => allowed).length
    count.explained += theirs.answers.filter(({ allowed, reason }) => !allowed && reason !== '').length
    for (const difference of compareReplies(question, theirs, ours))
      if (++count.differences <= mostShown) console.log(`seed ${seed}, set ${iteration}: ${difference}`)
  }
  for (let first = 0; first < sets; first += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, sets - first) }, (_, at) => one(first + at)))
  for (const difference of await compareManifests(oracle)) if (++count.differences <= mostShown) console.log(difference)
  await oracle.stop()
  const { differences, ...rest } = count
  console.log(
    `${Object.entries(rest)
      .map(([what, n]) => `${what} ${n}`)
      .join(', ')}`,
  )
  console.log(differences === 0 ? 'no difference' : `${differences} differences`)
  if (differences > 0) process.exitCode = 1
}

/** The table of manifests that our unit tests hold us to. */
async function compareManifests(oracle: Oracle): Promise<readonly string[]> {
  const question = { objects: manifestCases.map(({ manifest }) => manifest), trust: false, requests: [] }
  const refused = manifestCases.map(one => one.refused.join(', '))
  return compareReplies(question, await oracle.ask(question), { refused, answers: [] })
}

async function record(program: string): Promise<void> {
  const oracle = startOracle(program)
  writeRecording(await Promise.all(recordedQuestions().map(question => oracle.ask(question))))
  await oracle.stop()
}

async function main(): Promise<void> {
  const pairs = Number(values.pairs)
  const seed = Number(values.seed ?? randomInt(2 ** 31))
  if (!Number.isInteger(pairs) || pairs < 1 || !Number.isInteger(seed) || seed < 0) {
    process.stderr.write(help)
    process.exitCode = 2
    return
  }
  let program: string
  try {
    program = await buildOracle(text => console.log(text))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    process.stderr.write(`Nothing was compared: the oracle needs Go 1.26 and the Go module proxy. ${why}\n`)
    process.exitCode = 2
    return
  }
  console.log(`seed ${seed}`)
  if (values.record) await record(program)
  else await compare(program, pairs, seed)
}

if (values.help) console.log(help)
else await main()
