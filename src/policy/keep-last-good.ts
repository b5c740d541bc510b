import type { Finding } from '../documents/finding.js'
import type { LoadedDocument } from './assemble-snapshot.js'
import { restrictingKinds } from './broken-document.js'
import type { Gathered } from './gather-documents.js'

export interface Kept {
  readonly byKey: ReadonlyMap<string, LoadedDocument>
  readonly findings: readonly Finding[]
}

/**
 * The documents that stay in force although nothing gives them any more.
 *
 * Text that cannot be read, or a source out of sight, hides which documents stand in it: all that it gave stays. A file
 * with a broken document may have given it under another kind or name before: what it gave stays if its absence would
 * open something, which is so for kinds that restrict, and where a less trusted document would take the place. Of
 * documents of which there may be one only, that which was in force outlives a quarrel.
 * @param brokenDocuments files that hold documents which do not compile or must not stand there
 */
export function keepLastGood(
  lastGood: ReadonlyMap<string, LoadedDocument>,
  gathered: Gathered,
  brokenDocuments: ReadonlySet<string>,
): Kept {
  const rivals = new Map([...gathered.documents, ...gathered.conflicts].map(one => [one.key, one]))
  const conflicting = new Set(gathered.conflicts.map(one => one.key))
  const byKey = new Map<string, LoadedDocument>()
  const findings: Finding[] = []
  for (const [key, good] of lastGood) {
    const { file, kind } = good.document
    const hidden = gathered.lostSources.has(good.source) || gathered.brokenFiles.has(file)
    const rival = rivals.get(key)
    if (rival !== undefined) {
      const outranked = rival.source.trust < good.trust && (hidden || brokenDocuments.has(file))
      if (outranked || (kind === 'Identity' && conflicting.has(key))) byKey.set(key, good)
    } else if (hidden) byKey.set(key, good)
    else if (brokenDocuments.has(file) && restrictingKinds.has(kind)) {
      byKey.set(key, good)
      const message = 'is not in its file any more, but stays in force because another document there is broken'
      findings.push(good.document.finding('warning', ['metadata', 'name'], message, { hint: 'mend the other first' }))
    }
  }
  return { byKey, findings }
}
