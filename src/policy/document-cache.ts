import { type ReadDocuments, readDocumentsInSlices } from '../documents/read-documents.js'
import { atOnce, type Sliced } from '../sliced.js'
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
    return atOnce(this.readInSlices(file))
  }

  *readInSlices(file: SourceFile): Sliced<ReadDocuments> {
    // A file that is read in a way of its own may be two files in one text.
    if (file.read !== undefined) return readFile(file)
    const { name, text } = file
    const known = this.#next.get(name) ?? this.#known.get(name)
    const read = known?.text === text ? known.read : yield* readDocumentsInSlices(name, text)
    this.#next.set(name, { text, read })
    return read
  }

  /** To be called when all files were read: forgets those that are gone. */
  turn(): void {
    this.#known = this.#next
    this.#next = new Map()
  }
}
