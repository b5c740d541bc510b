import { formatFinding } from '../documents/format-finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { createDirectorySource } from '../policy/directory-source.js'
import { gatherDocuments } from '../policy/gather-documents.js'
import { createManifestSources } from '../policy/manifest-source.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { shippedCatalogs } from '../service.js'
import type { CommandIo } from './command.js'
import { type ConfigFlagValues, loadPolicies } from './load-policies.js'

export interface LoadedPolicySet {
  readonly snapshot: PolicySnapshot
  /** Those of the user's directories. */
  readonly own: readonly SourceDocument[]
  /** With the catalogues that come with mcp-authz. */
  readonly documents: readonly SourceDocument[]
}

/** Policies for a command that compares some; nothing is connected to. undefined where they do not compile, which is said. */
export async function loadPolicySet(values: ConfigFlagValues, io: CommandIo): Promise<LoadedPolicySet | undefined> {
  const { store, report, config, stop } = await loadPolicies(values, io)
  await stop()
  const snapshot = store.current
  for (const finding of report.findings)
    if (snapshot === undefined || finding.severity === 'error') io.err(formatFinding(finding))
  if (snapshot === undefined) return undefined
  const directories = config.sources.flatMap(source =>
    source.from === 'directory' ? createManifestSources(source) : [],
  )
  const shipped = createDirectorySource({ directory: shippedCatalogs, kinds: ['ToolCatalog'], trust: 0 })
  const gathered = gatherDocuments([shipped, ...directories]).documents
  const documents = gathered.map(({ document }) => document)
  return { snapshot, own: gathered.flatMap(({ document, source }) => (source.trust > 0 ? [document] : [])), documents }
}
