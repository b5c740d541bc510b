import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { bundleOptions } from '../../scripts/bundle-options.mjs'
import { packageRoot } from '../../src/package-root.js'
import type { Code } from './server-process.js'

/** The modules that benchmarks measure by themselves. */
export type ProgramParts = typeof import('./program-entry.js')

/**
 * Loads them bundled as the program is that is shipped (dist), or from the sources. What runs sources without a build may put calls
 * of its own into them (esbuild gives every function its name at run time), so that only the former is worth measuring to the percent.
 */
export async function loadProgram(code: Code): Promise<ProgramParts> {
  return code === 'src' ? import('./program-entry.js') : bundled()
}

/** Under a name that follows from what it is, so that a process finds what another one has put there. */
async function bundled(): Promise<ProgramParts> {
  const cache = join(packageRoot, 'node_modules', '.cache', 'mcp-authz-bench')
  const entryPoints = { parts: join(import.meta.dirname, 'program-entry.ts') }
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
  return import(/* @vite-ignore */ pathToFileURL(join(folder, 'parts.js')).href)
}
