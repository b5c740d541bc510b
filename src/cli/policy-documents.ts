import type { Config } from '../config/config.js'
import type { SourceDocument } from '../documents/source-document.js'
import { gatherDocuments } from '../policy/gather-documents.js'
import { createManifestSources } from '../policy/manifest-source.js'

/** The documents that stand in the directories of a configuration, as they are loaded. */
export function policyDocuments({ sources }: Config): readonly SourceDocument[] {
  const directories = sources.flatMap(source => (source.from === 'directory' ? createManifestSources(source) : []))
  return gatherDocuments(directories).documents.map(({ document }) => document)
}
