import { type Document, parseDocument as parseYaml } from 'yaml'
import { convertNode } from './convert-node.js'
import type { Place } from './place.js'

/** One document in YAML 1.2 (core schema). undefined = the parser ran out of stack on nested brackets. */
export function parseDocument(text: string): Document.Parsed | undefined {
  try {
    return parseYaml(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      // Our own check is linear; the parser's compares every key with every other.
      uniqueKeys: false,
      resolveKnownTags: false,
      prettyErrors: false,
      strict: true,
      logLevel: 'silent',
    })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Where the values of a document stand that is known to be sound; `offset` is where its text begins in the file. */
export function placeIn(text: string, offset: number): Place {
  const parsed = parseDocument(text)
  return parsed === undefined ? { offset } : convertNode(parsed, text, offset).place
}
