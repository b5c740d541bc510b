import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of package.json. This file sits two levels below it, in src/demo as well as in dist/demo. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
