import { documentsOf, fillDocument, readDocument, writeDocument } from './fill-document.js'
import { readInputs } from './inputs.js'
import { simulate } from './simulate.js'
import { estate } from './traffic.js'

const help = `Usage: tsx test/bench/capacity/main.ts [--write]

Simulates what docs/capacity.md is about, from the costs in inputs.json (see measure.ts), and prints its tables, and those of
docs/performance.md that come from the same costs: the same ones each time.

  --write   puts them into the documents`

const [option] = process.argv.slice(2)
const sections = simulate(readInputs(), estate)
if (option === '--write')
  for (const [name, own] of documentsOf(sections)) writeDocument(name, fillDocument(readDocument(name), own))
else if (option === undefined) for (const { name, markdown } of sections) console.log(`## ${name}\n\n${markdown}\n`)
else {
  console.log(help)
  process.exitCode = option === '--help' ? 0 : 1
}
