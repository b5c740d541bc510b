import { readDocuments } from '../documents/read-documents.js'
import type { SourceDocument } from '../documents/source-document.js'
import { ConfigNode, camelCase, mappings } from './config-node.js'
import type { Findings } from './findings.js'

export interface EnvoyFile {
  readonly file: string
  readonly text: string
}

/** Reads each file as Envoy does: one document, YAML or JSON. Whatever cannot be read is a finding. */
export function readEnvoyFiles(files: readonly EnvoyFile[], findings: Findings): readonly ConfigNode[] {
  return files.flatMap(({ file, text }) => {
    const read = readDocuments(file, text, 'free')
    for (const finding of read.findings) findings.addUnreadable(finding)
    const [first, second] = read.documents
    if (first === undefined) {
      if (read.findings.length === 0) findings.addUnreadable(emptyFile(file))
      return []
    }
    const root = new ConfigNode(first, [], first.value)
    if (second !== undefined && !isManifest(first))
      findings.addDocument('envoy.extra_document', second, 'a second document')
    reportTwins(root, findings)
    return [root]
  })
}

/** A Kubernetes object, which an Envoy bootstrap never looks like. */
export function isManifest(document: SourceDocument): boolean {
  return document.apiVersion !== '' && document.kind !== ''
}

/** The same field in both spellings. Keys of free maps can only be meant if they differ in nothing else. */
function reportTwins(root: ConfigNode, findings: Findings): void {
  for (const mapping of mappings(root)) {
    const spellings = new Map<string, string>()
    for (const [key, node] of mapping.entries()) {
      const name = camelCase(key)
      const twin = spellings.get(name)
      if (twin !== undefined) findings.add('envoy.ambiguous_field', node, `${twin} and ${key} are the same field`)
      spellings.set(name, key)
    }
  }
}

function emptyFile(file: string) {
  return {
    severity: 'error',
    location: { file, document: 1, line: 1, column: 1 },
    subject: '',
    path: '',
    message: 'the file is empty',
    hint: undefined,
  } as const
}
