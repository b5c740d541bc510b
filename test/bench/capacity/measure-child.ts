import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../../src/package-root.js'
import { bundleParts } from '../program-parts.js'
import type { Code } from '../server-process.js'
import { measureLoad } from './load-set.js'
import { measureConfigMaps } from './measure-config-maps.js'
import { measureBindings, measureReviewEntries } from './measure-entries.js'
import { measureTokenEntries } from './measure-identity.js'

/** What is measured in a process of its own, because memory is, or because nothing may have been loaded before. */
const measurements = {
  load: measureLoad,
  tokens: measureTokenEntries,
  reviews: measureReviewEntries,
  bindings: measureBindings,
  configMaps: measureConfigMaps,
} as const

type Measurements = typeof measurements

/** Runs one of them in another process: of what is shipped, without what runs sources, which takes memory as well. */
export async function inChild<Name extends keyof Measurements>(
  name: Name,
  ...args: Parameters<Measurements[Name]>
): Promise<Awaited<ReturnType<Measurements[Name]>>> {
  const [code] = args
  const program =
    code === 'src' ? ['--import', 'tsx', import.meta.filename] : [join(await bundleParts(), 'measure-child.js')]
  const options = ['--max-old-space-size=6144', ...program, name, JSON.stringify(args)]
  const child = spawn(process.execPath, options, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise<Awaited<ReturnType<Measurements[Name]>>>((resolve, reject) => {
    const said: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => said.push(bytes))
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(said).toString()))
      else reject(new Error(`measuring ${name} ended with ${code}`))
    })
  })
}

async function main(name: string, args: string): Promise<unknown> {
  const [code, first, second]: [Code, never, never] = JSON.parse(args)
  const found = Object.entries(measurements).find(([known]) => known === name)
  if (found === undefined) throw new Error(`nothing is called ${name}`)
  const measure: (code: Code, first: never, second: never) => Promise<unknown> = found[1]
  return measure(code, first, second)
}

if (process.argv[1] === import.meta.filename) {
  const [, , name = '', args = ''] = process.argv
  console.log(JSON.stringify(await main(name, args)))
  process.exit(0)
}
