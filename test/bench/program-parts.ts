import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
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

async function bundled(): Promise<ProgramParts> {
  return import(/* @vite-ignore */ pathToFileURL(join(await bundleParts(), 'parts.js')).href)
}

/** The folder of the bundle, which is made in another process: the memory that it takes is not that of what is measured. */
export async function bundleParts(): Promise<string> {
  const command = ['--import', 'tsx', join(packageRoot, 'test', 'bench', 'bundle-parts.ts')]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: packageRoot })
  return stdout.trim()
}
