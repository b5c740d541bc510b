import type { ReadDocuments } from '../documents/read-documents.js'
import { readFile } from './gather-documents.js'
import type { SourceFile } from './source.js'

interface Known {
  readonly text: string
  readonly read: ReadDocuments
}

/** Reads files, but those that have not changed since the load before: one change must not parse everything anew. */
export class DocumentCache {
  #known = new Map<string, Known>()
  #next = new Map<string, Known>()

  read(file: SourceFile): ReadDocuments {
    // A file that is read in a way of its own may be two files in one text.
    if (file.read !== undefined) return readFile(file)
    const known = this.#next.get(file.name) ?? this.#known.get(file.name)
    const read = known?.text === file.text ? known.read : readFile(file)
    this.#next.set(file.name, { text: file.text, read })
    return read
  }

  /** To be called when all files were read: forgets those that are gone. */
  turn(): void {
    this.#known = this.#next
    this.#next = new Map()
  }
}
