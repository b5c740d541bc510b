import { Composer, type CST, isMap, isScalar, isSeq, Scalar } from 'yaml'
import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { parseTokens } from './parse-tokens.js'
import { plainScalar } from './plain-scalar.js'
import { isWellFormed } from './well-formed.js'

/** Of a manifest: bytes, lines, documents, levels of nesting, and lexemes (words and signs) of all documents together. */
const manifestLimits = {
  bytes: 1024 * 1024,
  lines: 100_000,
  documents: 20,
  depth: 100,
  lexemes: 50_000,
} as const

export type ReadManifest =
  | { readonly ok: true; readonly objects: readonly JsonObject[] }
  | { readonly ok: false; readonly message: string; readonly hint: string | undefined }

/** Thrown and caught in this file only. */
class Refusal extends Error {
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/**
 * Reads a manifest (YAML or JSON, documents separated by lines that are exactly `---`) in the subset that every reader
 * understands alike. The server behind us splits on `\n---\n` and reads YAML 1.1 with the last of repeated keys winning;
 * whatever it could see differently is refused: tags, anchors, aliases, merge keys, repeated keys, keys that are not
 * text, directives, `...`, other document markers, tabs outside of JSON, line breaks of YAML 1.1, explicit keys, unquoted
 * scalars that one of the two takes for a number or a boolean, and quoted or unquoted scalars over several lines.
 * Never throws.
 */
export function readManifest(text: string): ReadManifest {
  try {
    const objects: JsonObject[] = []
    const budget: Budget = { documents: manifestLimits.documents, lexemes: manifestLimits.lexemes }
    for (const [index, chunk] of splitManifest(text).entries()) {
      const object = inDocument(index, () => readDocument(chunk, budget))
      if (object !== undefined) objects.push(object)
    }
    if (objects.length === 0)
      throw new Refusal('the manifest has no document', 'write one object with apiVersion, kind and metadata')
    return { ok: true, objects }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, message: error.message, hint: error.hint }
    // The parser's stack or an assertion of its own: not readable is not allowed.
    return { ok: false, message: 'the manifest cannot be read', hint: undefined }
  }
}

/** What the documents still to be read may hold together. */
interface Budget {
  documents: number
  lexemes: number
}

/** A refusal that is about the manifest as a whole. */
class TooMuch extends Refusal {}

function inDocument<T>(index: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Refusal && !(error instanceof TooMuch))
      throw new Refusal(`document ${index + 1} of the manifest: ${error.message}`, error.hint)
    throw error
  }
}

function splitManifest(text: string): readonly string[] {
  if (Buffer.byteLength(text) > manifestLimits.bytes) throw new Refusal('the manifest is larger than 1 MiB')
  if (!isWellFormed(text)) throw new Refusal('the manifest is not well-formed Unicode')
  const normalized = text.replaceAll('\r\n', '\n')
  // Before anything is taken for blank: what we take for a comment could be a line break and an object to others.
  if (forbidden.test(normalized)) {
    throw new Refusal('the manifest holds control characters or unusual line breaks', 'use plain spaces and line feeds')
  }
  const chunks: string[] = []
  let lines: string[] = []
  const all = normalized.split('\n')
  if (all.length > manifestLimits.lines) {
    throw new Refusal(`the manifest has more than ${manifestLimits.lines} lines`, 'send it in several calls')
  }
  for (const [index, line] of all.entries()) {
    if (line.startsWith('---') && line !== '---') {
      throw new Refusal('a document marker has something behind it', 'separate documents by a line that is exactly ---')
    }
    if (line.startsWith('...') || line.startsWith('%')) {
      throw new Refusal('directives (%) and document ends (...) are not supported', 'leave the line out')
    }
    if (line === '---') {
      // A marker at the very end is none to the server, so the line feed before it belongs to the document.
      if (index === all.length - 1) lines.push('')
      chunks.push(lines.join('\n'))
      lines = []
    } else lines.push(line)
  }
  chunks.push(lines.join('\n'))
  // An empty stretch before the first marker is no document; it must not shift the numbers in messages.
  return chunks.length > 1 && isBlank(chunks[0] ?? '') ? chunks.slice(1) : chunks
}

function isBlank(chunk: string): boolean {
  // Only spaces and tabs are white to YAML; trim() would also take a no-break space for nothing. Of the line breaks that
  // the expression knows, only line feeds are left in a chunk.
  return !/^[ \t]*[^ \t\n#]/m.test(chunk)
}

// C0 without tab and line feed, DEL, C1 with NEL, the line and paragraph separators, and the byte order mark. Readers of
// YAML 1.1 break lines at some of them, so that what we take for a comment would be a key to them.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const forbidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/

function readDocument(chunk: string, budget: Budget): JsonObject | undefined {
  if (chunk.includes('\t') && !/^[ \t\n]*\{/.test(chunk)) {
    throw new Refusal('it holds tabs', 'indent with spaces; inside text write "\\t" in double quotes')
  }
  if (isBlank(chunk)) return undefined
  if (--budget.documents < 0)
    throw new TooMuch(`the manifest has more than ${manifestLimits.documents} documents`, 'send it in several calls')
  const parsed = parseTokens(chunk, { depth: manifestLimits.depth, lexemes: budget.lexemes })
  if (!parsed.ok) {
    if (parsed.limit === 'depth') throw new Refusal('it is nested too deeply', 'send less in one call')
    throw new TooMuch('the manifest has too many values', 'send it in several calls')
  }
  budget.lexemes -= parsed.lexemes
  const { tokens } = parsed
  for (const token of tokens) inspect(token, 0, false)
  const documents = [
    ...new Composer({
      version: '1.2',
      schema: 'failsafe',
      merge: false,
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
    }).compose(tokens),
  ]
  const [document, ...others] = documents
  if (document === undefined || others.length > 0)
    throw new Refusal('it is not one YAML document', 'separate documents by a line that is exactly ---')
  if (document.errors.length > 0 || document.warnings.length > 0)
    throw new Refusal('it is not valid YAML', 'check the indentation, or send JSON')
  const value = toJson(document.contents, chunk)
  if (value === null) return undefined
  if (!isJsonObject(value))
    throw new Refusal('it is not an object', 'write one object with apiVersion, kind and metadata')
  return value
}

/** Refuses on the concrete syntax, before anything is composed (and before nesting can cost stack). */
function inspect(token: CST.Token, depth: number, inFlow: boolean): void {
  if (depth > manifestLimits.depth) throw new Refusal('it is nested too deeply')
  switch (token.type) {
    case 'document':
      token.start.forEach(inspectMark)
      token.end?.forEach(inspectMark)
      if (token.value !== undefined) inspect(token.value, depth + 1, inFlow)
      return
    case 'block-map':
    case 'block-seq':
    case 'flow-collection': {
      const flow = token.type === 'flow-collection'
      if (flow) token.end.forEach(inspectMark)
      for (const item of token.items) {
        item.start.forEach(inspectMark)
        item.sep?.forEach(inspectMark)
        if (token.type === 'flow-collection') inspectFlowPair(token.start, item)
        if (item.key != null) inspect(item.key, depth + 1, flow)
        if (item.value !== undefined) inspect(item.value, depth + 1, flow)
      }
      return
    }
    case 'block-scalar':
      for (const mark of token.props) inspect(mark, depth, inFlow)
      return
    case 'scalar':
    case 'single-quoted-scalar':
    case 'double-quoted-scalar':
      token.end?.forEach(inspectMark)
      if (token.source.includes('\n'))
        throw new Refusal('a text goes over several lines', 'write it as a block (|) or on one line')
      if (token.type === 'scalar' && inFlow && /[:?]/.test(token.source)) {
        throw new Refusal('an unquoted text inside of brackets has a colon', 'put it in double quotes')
      }
      return
    default:
      inspectMark(token)
  }
}

/** `[a:]` is a text to old readers and a pair to new ones; `[a: b]` is a pair that nobody needs. */
function inspectFlowPair(start: CST.SourceToken, { key, sep }: CST.CollectionItem): void {
  const colon = sep?.findIndex(({ type }) => type === 'map-value-ind') ?? -1
  if (colon === -1) return
  if (start.type === 'flow-seq-start') throw new Refusal('a pair stands in a list', 'write [{ key: value }]')
  const behind = sep?.[colon + 1]?.type
  if (key?.type === 'scalar' && behind !== 'space' && behind !== 'newline') {
    throw new Refusal('a colon inside of brackets has no space behind it', 'write { key: value }, or JSON')
  }
}

function inspectMark(token: CST.Token | CST.SourceToken): void {
  switch (token.type) {
    case 'block-scalar-header':
      // `|` and `>` with a chomping sign; indentation indicators are read differently by old readers.
      if (!/^[|>][-+]?$/.test(token.source))
        throw new Refusal('a block text has an indentation indicator', 'write | or > alone')
      return
    case 'space':
    case 'newline':
    case 'comment':
    case 'map-value-ind':
    case 'seq-item-ind':
    case 'comma':
    case 'flow-map-start':
    case 'flow-map-end':
    case 'flow-seq-start':
    case 'flow-seq-end':
      return
    case 'anchor':
    case 'alias':
      throw new Refusal('anchors and aliases (& and *) are not supported', 'write the value out, or quote the text')
    case 'tag':
      throw new Refusal('tags (!) are not supported', 'leave the tag out, or quote the text')
    case 'explicit-key-ind':
      throw new Refusal('explicit keys (?) are not supported', 'write key: value')
    default:
      throw new Refusal('it is not valid YAML', 'check the indentation, or send JSON')
  }
}

function toJson(node: unknown, chunk: string): JsonValue {
  if (node === null || node === undefined) return null
  if (isScalar(node)) return scalarOf(node, chunk)
  if (isSeq(node)) return node.items.map(item => toJson(item, chunk))
  if (!isMap(node)) throw new Refusal('it is not valid YAML')
  const object = new Map<string, JsonValue>()
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? scalarOf(key, chunk) : undefined
    if (typeof name !== 'string') throw new Refusal('a key is not text', 'put the key in double quotes')
    if (object.has(name)) throw new Refusal('a key is repeated', 'write each key once')
    if (name === '<<') throw new Refusal('merge keys (<<) are not supported', 'write the fields out')
    object.set(name, toJson(value, chunk))
  }
  return object
}

function scalarOf(node: Scalar, chunk: string): JsonValue {
  if (node.type !== Scalar.PLAIN && node.type !== undefined) {
    const { value } = node
    if (typeof value !== 'string' || !isWellFormed(value)) throw new Refusal('a text is not well-formed Unicode')
    const isBlock = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED
    return isBlock ? endOfBlock(node, value, chunk) : value
  }
  const plain = plainScalar(node.source ?? '')
  if (!plain.ok)
    throw new Refusal(
      'an unquoted value is ambiguous: some readers take it for a number, a date or yes/no',
      'put it in quotes if it is text',
    )
  return plain.value
}

/** A block text that ends the document without a line feed has none; the parser invents one. */
function endOfBlock(node: Scalar, value: string, chunk: string): string {
  if (chunk.endsWith('\n') || node.range?.[1] !== chunk.length) return value
  if (/\n +$/.test(chunk.slice(-200)))
    throw new Refusal('a block text ends in a line of spaces', 'end it with a line feed')
  return value.endsWith('\n') ? value.slice(0, -1) : value
}
