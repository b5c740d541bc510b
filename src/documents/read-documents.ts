import { atOnce, type Sliced } from '../sliced.js'
import { convertNode } from './convert-node.js'
import { createSourceDocument } from './create-source-document.js'
import type { Finding } from './finding.js'
import { formatPath } from './format-path.js'
import { createLineIndex, type LineIndex } from './line-index.js'
import { parseDocumentInSlices } from './parse-document.js'
import { preparedFiles } from './prepared-files.js'
import { readPrepared } from './read-prepared.js'
import type { PathSegment, SourceDocument } from './source-document.js'
import { type DocumentText, splitDocuments } from './split-documents.js'
import { syntaxHint } from './syntax-hint.js'

/** Bytes per file, documents per file, findings per broken document (what follows is mostly an echo of the first). */
export const documentLimits = { bytes: 1024 * 1024, documents: 1000, findings: 5 } as const

/** `free` reads mappings of any kind; by default a document needs `apiVersion` and `kind`. */
export type DocumentKinds = 'required' | 'free'

export interface ReadDocuments {
  readonly documents: readonly SourceDocument[]
  readonly findings: readonly Finding[]
}

/**
 * Reads a file of YAML 1.2 documents (core schema). Every document either loads whole or has at least one error
 * finding; a broken one does not touch its siblings. Empty documents are skipped, but counted.
 *
 * Refused, because two readers could understand them differently or because they only serve to hide things: repeated
 * keys, keys that are not text, `__proto__`, merge keys, tags, directives other than `%YAML 1.2`, numbers that lose
 * digits or have leading zeros, more than 100 aliases. Limits: 1 MiB per file, 1000 documents, 100,000 values each.
 */
export function readDocuments(file: string, text: string, kinds: DocumentKinds = 'required'): ReadDocuments {
  return atOnce(readDocumentsInSlices(file, text, kinds))
}

/** {@link readDocuments} in slices: between documents, and within each until its nodes are made. */
export function* readDocumentsInSlices(
  file: string,
  text: string,
  kinds: DocumentKinds = 'required',
): Sliced<ReadDocuments> {
  const prepared = readPrepared(preparedFiles, file, text)
  if (prepared !== undefined) return { documents: prepared, findings: [] }
  const lines = createLineIndex(text)
  const refuse = (document: number, offset: number, message: string, hint?: string): Finding => ({
    severity: 'error',
    location: { file, document, ...lines.position(offset) },
    subject: '',
    path: '',
    message,
    hint,
  })
  if (Buffer.byteLength(text) > documentLimits.bytes) {
    const finding = refuse(1, 0, 'the file is larger than 1 MiB', 'split it into several files')
    return { documents: [], findings: [finding] }
  }
  const documents: SourceDocument[] = []
  const findings: Finding[] = []
  let index = 0
  for (const stretch of splitDocuments(text)) {
    const body = classify(stretch)
    if (body === 'blank' && !stretch.marked) continue
    if (body === 'directives') {
      const hint = 'remove the line; YAML 1.2 is what is read here'
      findings.push(refuse(index + 1, stretch.offset, 'YAML directives (%) are not supported', hint))
      continue
    }
    index++
    if (index > documentLimits.documents) {
      findings.push(refuse(index, stretch.offset, `more than ${documentLimits.documents} documents`, 'split the file'))
      break
    }
    if (body === 'blank') continue
    const read = yield* readOne(file, index, stretch, lines, kinds)
    if (read.document !== undefined) documents.push(read.document)
    findings.push(...read.findings)
    yield
  }
  return { documents, findings }
}

interface ReadOne {
  readonly document: SourceDocument | undefined
  readonly findings: readonly Finding[]
}

function* readOne(
  file: string,
  index: number,
  { text, offset }: DocumentText,
  lines: LineIndex,
  kinds: DocumentKinds,
): Sliced<ReadOne> {
  const at = (
    path: readonly PathSegment[],
    position: number,
    message: string,
    hint: string | undefined,
    subject = '',
  ): Finding => ({
    severity: 'error',
    location: { file, document: index, ...lines.position(position) },
    subject,
    path: formatPath(path),
    message,
    hint,
  })

  const parsed = yield* parseDocumentInSlices(text)
  yield
  if (parsed === undefined || parsed.errors.some(error => error.code === 'RESOURCE_EXHAUSTION')) {
    return { document: undefined, findings: [at([], offset, 'nested too deeply', 'is a bracket repeated by mistake?')] }
  }
  const errors = [...parsed.errors, ...parsed.warnings].slice(0, documentLimits.findings)
  if (errors.length > 0) {
    const findings = errors.map(({ code, message, pos }) =>
      at([], offset + pos[0], withoutFullStop(message), syntaxHint(code, lineAt(text, pos[0]))),
    )
    return { document: undefined, findings }
  }

  const { value, place, problems } = convertNode(parsed, text, offset)
  if (value === null) return { document: undefined, findings: [] }
  if (place.entries === undefined) {
    const message = 'a document must be a mapping (key: value)'
    const hint = kinds === 'required' ? 'begin with apiVersion: … and kind: …' : undefined
    return { document: undefined, findings: [at([], place.offset, message, hint)] }
  }
  const document = createSourceDocument({ file, index, value, text, place: () => place, lines: () => lines })
  const subject = document.finding('error', [], '').subject
  const found = problems
    .slice(0, documentLimits.findings)
    .map(({ path, offset: position, message, hint }) => at(path, position, message, hint, subject))
  for (const field of kinds === 'required' ? (['apiVersion', 'kind'] as const) : []) {
    if (document[field] !== '') continue
    const message = place.entries.has(field) ? `${field} must be text` : `${field} is missing`
    found.push(document.finding('error', [field], message, { hint: 'write apiVersion: … and kind: …' }))
  }
  return found.length > 0 ? { document: undefined, findings: found } : { document, findings: [] }
}

/** Whether a stretch holds anything beside comments, and whether all it holds is directives. */
function classify({ text, marked }: DocumentText): 'blank' | 'directives' | 'content' {
  let result: 'blank' | 'directives' = 'blank'
  for (const line of (marked ? text.slice(3) : text).split('\n')) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    if (marked || !line.startsWith('%')) return 'content'
    if (!/^%YAML +1\.2(?:\s|$)/.test(line)) result = 'directives'
  }
  return result
}

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  return text.slice(start, end === -1 ? text.length : end)
}

function withoutFullStop(message: string): string {
  return message.endsWith('.') ? message.slice(0, -1) : message
}
