import { findPromtool } from './find-promtool.js'

// Builds promtool, so that no test has to wait for it. Status 1: it does not build; without Go there is nothing to build.
process.stderr.write('building promtool (the first time takes minutes)\n')
const found = await findPromtool({ build: true })
process.stdout.write(`${found.found ? found.program : found.message}\n`)
