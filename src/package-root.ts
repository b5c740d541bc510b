import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The directory of package.json: the nearest above this file, wherever the build has put what this file says.
 * Throws where there is none: then what the program ships with cannot be found either.
 */
export const packageRoot: string = findPackageRoot(dirname(fileURLToPath(import.meta.url)))

function findPackageRoot(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory
  const above = dirname(directory)
  if (above === directory) throw new Error('The files of mcp-authz are not where its package.json is: install it anew')
  return findPackageRoot(above)
}
