import { createHash } from 'node:crypto'
import { createSourceDocument } from './create-source-document.js'
import { createLineIndex } from './line-index.js'
import { once } from './once.js'
import { placeIn } from './parse-document.js'
import type { PreparedFile } from './prepared-file.js'
import type { SourceDocument } from './source-document.js'

/**
 * The documents of a text that the build has read ahead, as `readDocuments` gives them; undefined for any other text, and
 * so for a file that was edited since. The YAML is read when somebody asks where something stands: mostly nobody does.
 */
export function readPrepared(
  files: readonly PreparedFile[],
  file: string,
  text: string,
): readonly SourceDocument[] | undefined {
  const known = files.find(one => one.length === text.length && one.digest === digestOf(text))
  if (known === undefined) return undefined
  const lines = once(() => createLineIndex(text))
  return known.documents.map(({ index, start, end, value }) => {
    const own = text.slice(start, end)
    return createSourceDocument({
      ...{ file, index, value: value(), text: own },
      place: once(() => placeIn(own, start)),
      lines,
    })
  })
}

/** SHA-256 in hexadecimal; of UTF-16, because in UTF-8 a lone surrogate looks like a replacement character. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf16le').digest('hex')
}
