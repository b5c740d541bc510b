import { createHash } from 'node:crypto'
import type { SourceDocument } from '../../documents/source-document.js'
import { keyOf } from '../../policy/gather-documents.js'

export interface ChangedDocuments {
  /** As `Kind/name`, sorted. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
  /** Only the name is another one; policies of the new set by their names in the old one. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[]
  /** Changed ones of both sets first, then those that both sets have. */
  readonly inOrder: readonly SourceDocument[]
  /** `Kind/name` of all that are not the same in both sets, renamed ones left out. */
  readonly names: ReadonlySet<string>
  /** The documents of either set that the other one does not have like that. */
  readonly old: readonly SourceDocument[]
  readonly new: readonly SourceDocument[]
}

/** Which documents say something else: comments, the order of fields and where a document stands count for nothing. */
export function changedDocuments(
  old: readonly SourceDocument[],
  candidate: readonly SourceDocument[],
): ChangedDocuments {
  const before = new Map(old.map(document => [identityOf(document), document]))
  const after = new Map(candidate.map(document => [identityOf(document), document]))
  const changed: string[] = []
  const same: SourceDocument[] = []
  const gone: SourceDocument[] = []
  const come: SourceDocument[] = []
  const olds: SourceDocument[] = []
  const news: SourceDocument[] = []
  for (const [key, document] of after) {
    const other = before.get(key)
    if (other === undefined) come.push(document)
    else if (meaningOf(other) === meaningOf(document)) same.push(document)
    else {
      changed.push(shownName(document))
      olds.push(other)
      news.push(document)
    }
  }
  for (const [key, document] of before) if (!after.has(key)) gone.push(document)
  const renamed: { from: string; to: string }[] = []
  const left = new Set(gone)
  const added: SourceDocument[] = []
  for (const document of come) {
    const twin = [...left].find(one => renamable.has(one.kind) && nameless(one) === nameless(document))
    if (twin === undefined) added.push(document)
    else {
      left.delete(twin)
      same.push(document)
      renamed.push({ from: shownName(twin), to: shownName(document) })
    }
  }
  olds.push(...left)
  news.push(...added)
  return {
    added: added.map(shownName).sort(),
    removed: [...left].map(shownName).sort(),
    changed: changed.sort(),
    renamed,
    inOrder: [...news, ...olds, ...same],
    names: new Set([...olds, ...news].map(shownName)),
    old: olds,
    new: news,
  }
}

/** Kinds whose names nothing else refers to. */
const renamable: ReadonlySet<string> = new Set([
  'Guardrail',
  'Grant',
  'Enrichment',
  'RoleBinding',
  'ClusterRoleBinding',
])

/** A document without a name is known by what it says. */
function identityOf(document: SourceDocument): string {
  return document.name === '' && document.kind !== 'Identity'
    ? `${document.kind}\0\0${meaningOf(document)}`
    : keyOf(document)
}

export function shownName({ kind, name, value }: SourceDocument): string {
  const namespace = Object(Object(value).metadata).namespace
  const within = (kind === 'Role' || kind === 'RoleBinding') && typeof namespace === 'string' ? `${namespace}/` : ''
  return name === '' ? kind : `${kind}/${within}${name}`
}

const meanings = new WeakMap<SourceDocument, string>()

function meaningOf(document: SourceDocument): string {
  const known = meanings.get(document) ?? digestOf(document.value)
  meanings.set(document, known)
  return known
}

function nameless({ kind, value }: SourceDocument): string {
  const { metadata, ...rest } = { metadata: {}, ...Object(value) }
  return `${kind} ${digestOf({ ...rest, metadata: { ...metadata, name: '' } })}`
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(inOrder(value)).digest('hex')
}

/** As JSON, members sorted. */
function inOrder(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inOrder).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${inOrder(item)}`).join(',')}}`
}
