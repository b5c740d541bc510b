import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './package-root.js'

/** The version of this package, as its package.json says; `unknown` where that cannot be read. */
export const packageVersion: string = readVersion()

function readVersion(): string {
  try {
    const text = readFileSync(join(packageRoot, 'package.json'), 'utf8')
    return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
