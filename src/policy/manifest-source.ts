import type { Finding } from '../documents/finding.js'
import { type ReadDocuments, readDocuments } from '../documents/read-documents.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import { configMapFileBytes, configMapKinds, configMapTrust, tooLarge } from './config-map-source.js'
import { createDirectorySource, type DirectorySourceOptions } from './directory-source.js'
import { policyApiVersion } from './document-schema.js'
import { holdsTests } from './holds-tests.js'
import type { PolicySource } from './source.js'

/** Marks the ConfigMaps that hold policies. */
export const policyLabel = 'mcp-authz.dev/policy'

export interface ManifestSourceOptions extends DirectorySourceOptions {
  /** Kinds that ConfigMaps may hold. Default Grant, Guardrail and Enrichment. */
  readonly configMapKinds?: readonly string[]
}

/**
 * A directory as `check` and `explain` read it: policies, and manifests of ConfigMaps with policies in them, which count
 * as they would on a cluster. Two sources, because what comes in ConfigMaps may hold less and is trusted less.
 */
export function createManifestSources(options: ManifestSourceOptions): readonly [PolicySource, PolicySource] {
  const directory = createDirectorySource(options)
  const read = (choose: (found: ManifestFile) => ReadDocuments) => () => {
    const contents = directory.read()
    return {
      ...contents,
      files: contents.files.map(({ name, text }) => ({ name, text, read: () => choose(readManifests(name, text)) })),
    }
  }
  const plain: PolicySource = { ...directory, read: read(({ plain: documents }) => documents) }
  const wrapped: PolicySource = {
    name: `ConfigMaps in ${directory.name}`,
    trust: configMapTrust,
    kinds: new Set(options.configMapKinds ?? configMapKinds),
    fingerprint: () => directory.fingerprint(),
    // What cannot be read is said by the other one.
    read: () => ({ ...read(({ wrapped: documents }) => documents)(), findings: [], lost: false }),
  }
  return [plain, wrapped]
}

interface ManifestFile {
  readonly plain: ReadDocuments
  readonly wrapped: ReadDocuments
}

function readManifests(name: string, text: string): ManifestFile {
  const { documents, findings } = readDocuments(name, text)
  const plain: SourceDocument[] = []
  const wrapped: Unwrapped = { documents: [], findings: [] }
  for (const document of documents) {
    const paths = configMapsIn(document)
    if (paths.length === 0) plain.push(document)
    for (const path of paths) unwrap(document, path, wrapped)
  }
  return { plain: { documents: plain, findings }, wrapped }
}

/**
 * Where ConfigMaps with policies stand: the document itself, or items of a List that holds nothing else. One without the
 * label counts too if it has policies in it: most likely the label was forgotten.
 */
function configMapsIn({ value }: SourceDocument): readonly (readonly PathSegment[])[] {
  if (isPolicyConfigMap(value)) return [[]]
  const items = valueAt(value, ['items'])
  if (valueAt(value, ['kind']) !== 'List' || valueAt(value, ['apiVersion']) !== 'v1' || !Array.isArray(items)) return []
  return items.length > 0 && items.every(isPolicyConfigMap) ? items.map((_, index) => ['items', index]) : []
}

function isPolicyConfigMap(value: unknown): boolean {
  if (valueAt(value, ['kind']) !== 'ConfigMap' || valueAt(value, ['apiVersion']) !== 'v1') return false
  const group = policyApiVersion.slice(0, policyApiVersion.indexOf('/') + 1)
  const texts = Object.values(recordAt(value, 'data'))
  return isLabelled(value) || texts.some(text => typeof text === 'string' && text.includes(group))
}

function isLabelled(value: unknown): boolean {
  return valueAt(value, ['metadata', 'labels', policyLabel]) === 'true'
}

function recordAt(value: unknown, field: string): Readonly<Record<string, unknown>> {
  const found = valueAt(value, [field])
  return typeof found === 'object' && found !== null ? { ...found } : {}
}

interface Unwrapped {
  readonly documents: SourceDocument[]
  readonly findings: Finding[]
}

function unwrap(manifest: SourceDocument, path: readonly PathSegment[], { documents, findings }: Unwrapped): void {
  const configMap = path.length === 0 ? manifest.value : valueAt(manifest.value, path)
  const say = (severity: Finding['severity'], at: readonly PathSegment[], message: string, hint: string) =>
    findings.push(manifest.finding(severity, [...path, ...at], message, { hint, at: 'key' }))
  if (!isLabelled(configMap)) {
    const hint = `add ${policyLabel}: "true" to metadata.labels, in quotes`
    say('warning', ['metadata'], 'has no label that makes its policies count', hint)
  }
  for (const key of Object.keys(recordAt(configMap, 'binaryData')))
    if (isFileName(key)) say('error', ['binaryData', key], 'is not read as a policy', 'put the text under data')
  for (const [key, text] of Object.entries(recordAt(configMap, 'data'))) {
    if (typeof text === 'string' && holdsTests(key, text)) continue
    const at = [...path, 'data', key]
    if (!isFileName(key)) say('warning', ['data', key], 'keys of another ending are not read', 'end the key in .yaml')
    else if (typeof text !== 'string') say('error', ['data', key], 'is not text', 'write it as a block: begin with |')
    else if (Buffer.byteLength(text) > configMapFileBytes) say('error', ['data', key], tooLarge.message, tooLarge.hint)
    else readInside(manifest, at, text, { documents, findings })
  }
}

function isFileName(key: string): boolean {
  return key.endsWith('.yaml') || key.endsWith('.yml')
}

/** The documents in a scalar, with their places turned into those of the manifest. */
function readInside(
  manifest: SourceDocument,
  path: readonly PathSegment[],
  text: string,
  { documents, findings }: Unwrapped,
): void {
  const lines = text.split('\n')
  const outside = ({ line, column }: { readonly line: number; readonly column: number }) => {
    // Positions in scalars count characters, those of findings UTF-16 units.
    const characters = [...(lines[line - 1] ?? '').slice(0, column - 1)].length
    return manifest.finding('error', path, '', { offset: { line, column: characters + 1 } }).location
  }
  const moved = (finding: Finding): Finding => ({ ...finding, location: outside(finding.location) })
  const read = readDocuments(manifest.file, text)
  findings.push(...read.findings.map(moved))
  for (const document of read.documents)
    documents.push({
      ...document,
      // Unlike that of any other document of the file, of which there are at most a thousand.
      index: 1000 * (manifest.index + documents.length) + document.index,
      locate: at => outside(document.locate(at)),
      finding: (...given) => moved(document.finding(...given)),
    })
}
