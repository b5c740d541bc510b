import { writeFileSync } from 'node:fs'
import { Random } from '../fuzz/random.js'
import { randomExpression } from './random-expression.js'
import { randomInput } from './random-inputs.js'
import { recordingFiles } from './recorded-cases.js'
import { variableTypes } from './variables.js'

/** Writes inputs and prints expressions for test/cel-go to record; see the README there. */
const seed = 20261121
const inputs = 64
const cases = 7200

const file = {
  types: variableTypes,
  inputs: Array.from({ length: inputs }, (_, i) => randomInput(new Random(seed, i))),
}
writeFileSync(recordingFiles.inputs, `${JSON.stringify(file)}\n`)

/** Overloads that chance has not found. */
const rare = [
  '(d <= e)',
  '(e <= d)',
  '(at < until)',
  '(until < at)',
  '(blobs[0] < raw)',
  '(yes <= no)',
  '(wait <= pause)',
]

const seen = new Set<string>()
for (const [i, expression] of rare.entries()) process.stdout.write(`${i}\t${expression}\n`)
for (let i = 0; seen.size < cases; i++) {
  const random = new Random(seed + 1, i)
  const expression = randomExpression(random)
  if (seen.has(expression) || expression.length > 300 || /^[\w.]*$/.test(expression)) continue
  process.stdout.write(`${seen.size % inputs}\t${expression}\n`)
  seen.add(expression)
}
