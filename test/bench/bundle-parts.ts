// Bundles the modules of program-entry.ts, and what measures them in a process of its own, as the program is bundled that is shipped,
// and prints the folder. Its name follows from what is in it, so that a process finds what another one has put there.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import { bundleOptions } from '../../scripts/bundle-options.mjs'
import { packageRoot } from '../../src/package-root.js'

const cache = join(packageRoot, 'node_modules', '.cache', 'mcp-authz-bench')
const entryPoints = {
  parts: join(import.meta.dirname, 'program-entry.ts'),
  'measure-child': join(import.meta.dirname, 'capacity', 'measure-child.ts'),
}
const { outputFiles = [] } = await build({ ...bundleOptions(entryPoints, join(cache, 'new')), write: false })
const digest = createHash('sha256')
for (const { hash } of outputFiles) digest.update(hash)
const folder = join(cache, digest.digest('hex').slice(0, 16))
if (!existsSync(folder)) {
  await mkdir(cache, { recursive: true })
  const temporary = await mkdtemp(`${folder}-`)
  await mkdir(join(temporary, 'chunks'))
  for (const { path, contents } of outputFiles)
    await writeFile(join(temporary, relative(join(cache, 'new'), path)), contents)
  // Whoever was first has written the same.
  await rename(temporary, folder).catch(() => rm(temporary, { recursive: true, force: true }))
}
process.stdout.write(`${folder}\n`)
