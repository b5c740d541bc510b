import type { PreparedFile } from './prepared-file.js'

/** The files that the build has read ahead: `scripts/build.mjs` puts them in the place of this module. The source has none. */
export const preparedFiles: readonly PreparedFile[] = []
