import { Composer, type Document, Lexer, Parser } from 'yaml'
import { atOnce, type Sliced } from '../sliced.js'
import { convertNode } from './convert-node.js'
import type { Place } from './place.js'

/** How documents are read: nothing is taken for what it is not. */
export const yamlOptions = {
  version: '1.2',
  schema: 'core',
  merge: false,
  // Our own check is linear; the parser's compares every key with every other.
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  strict: true,
  logLevel: 'silent',
} as const

/** Lexemes between two places where work may be put aside: a good millisecond. */
const stride = 512

/**
 * One document in YAML 1.2 (core schema). undefined = the parser ran out of stack on nested brackets. In slices, because
 * one of 256 KiB takes half a second; its nodes are made in one of them, the last, which is a fifth to a third of that.
 */
export function* parseDocumentInSlices(text: string): Sliced<Document.Parsed | undefined> {
  const parser = new Parser()
  const composer = new Composer(yamlOptions)
  let document: Document.Parsed | undefined
  try {
    let lexemes = 0
    for (const lexeme of new Lexer().lex(text)) {
      for (const token of parser.next(lexeme)) for (const composed of composer.next(token)) document ??= composed
      lexemes++
      if (lexemes % stride === 0) yield
    }
    for (const token of parser.end()) for (const composed of composer.next(token)) document ??= composed
    for (const composed of composer.end(true, text.length)) document ??= composed
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
  return document
}

/** Where the values of a document stand that is known to be sound; `offset` is where its text begins in the file. */
export function placeIn(text: string, offset: number): Place {
  const parsed = atOnce(parseDocumentInSlices(text))
  return parsed === undefined ? { offset } : convertNode(parsed, text, offset).place
}
