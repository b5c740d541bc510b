import type { SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import { isKnownKind } from './compile-document.js'
import { compileMatch, type Match, matchSchema } from './match.js'
import { pathProblem, readResource } from './read-resource.js'
import type { ServerAddress } from './server-table.js'
import type { BrokenRule } from './snapshot.js'

/** A document that is not in force as it stands. */
export interface BrokenDocument {
  readonly document: SourceDocument
  /** Kinds that its source may hold; undefined = all. What a source may not hold restricts nothing either. */
  readonly kinds: ReadonlySet<string> | undefined
  /** Whether a last good version is in force in its place. */
  readonly covered: boolean
}

/** What must stay closed because of documents that are not in force. */
export interface Closed {
  readonly rules: readonly BrokenRule[]
  readonly addresses: readonly ServerAddress[]
  /** Whether a Server stands somewhere that nobody can read. */
  readonly unknownAddress: boolean
}

/**
 * What documents that do not compile could restrict. What a document is, is told by its body as well as by its kind:
 * a slip in `kind` is as likely as one elsewhere, and must not open what the document would have closed.
 *
 * A Guardrail: the calls of its own match, or all where that cannot be read. An Identity: all. A Server: its address,
 * so that the Server above it does not answer in its place. Every other kind only gives: without a catalogue, a Grant,
 * a role or an issuer there is less, never more.
 */
export function closedBy(broken: readonly BrokenDocument[], unreadable: readonly string[]): Closed {
  const rules: BrokenRule[] = unreadable.map(file => ({
    name: file,
    match: everything,
    aboutResults: true,
  }))
  const addresses: ServerAddress[] = []
  let unknownAddress = false
  for (const { document, kinds, covered } of broken) {
    const name = `${document.kind}/${document.name}`
    const may = (kind: string) => kinds === undefined || kinds.has(kind)
    const match = restricts(document, may)
    if (match !== undefined && !covered) rules.push({ name, match, aboutResults: mayBeAboutResults(document) })
    if (!may('Server') || !looksLikeServer(document)) continue
    const found = addressesOf(document)
    addresses.push(...found.known)
    if (found.unknown && !covered) {
      unknownAddress = true
      if (match === undefined) rules.push({ name, match: everything, aboutResults: true })
    }
  }
  return { rules, addresses, unknownAddress }
}

/** Kinds whose absence opens something; the last good ones are kept while their file is broken in any way. */
export const restrictingKinds: ReadonlySet<string> = new Set(['Guardrail', 'Identity'])

function restricts(document: SourceDocument, may: (kind: string) => boolean): Match | undefined {
  const unknown = !isKnownKind(document.kind)
  const guardrail = document.kind === 'Guardrail' || guardrailFields.some(field => has(document, field))
  if (may('Guardrail') && (guardrail || unknown)) return readMatch(document) ?? everything
  const identity = document.kind === 'Identity' || identityFields.some(field => has(document, field))
  return may('Identity') && (identity || unknown) ? everything : undefined
}

/** Fields of `spec` that only a Guardrail has. */
const guardrailFields = ['validations', 'patterns', 'maxBytes', 'on'] as const

/** One about calls says so, or nothing; anything else may have been meant to restrict answers. */
function mayBeAboutResults(document: SourceDocument): boolean {
  if (document.kind === 'Identity') return true
  const on = valueAt(document.value, ['spec', 'on'])
  if (has(document, 'patterns') || has(document, 'maxBytes')) return true
  return on === undefined ? !has(document, 'validations') : on !== 'request'
}

/** Fields of `spec` that only an Identity has. */
const identityFields = ['issuers', 'clients', 'tenant', 'workloads'] as const

function has({ value }: SourceDocument, field: string): boolean {
  return valueAt(value, ['spec', field]) !== undefined
}

function looksLikeServer(document: SourceDocument): boolean {
  return document.kind === 'Server' || has(document, 'resource')
}

/** What can be read of where it stands, and whether it may stand somewhere else, too. */
function addressesOf({ value }: SourceDocument): {
  readonly known: readonly ServerAddress[]
  readonly unknown: boolean
} {
  const resource = valueAt(value, ['spec', 'resource'])
  const address = typeof resource === 'string' ? readResource(resource) : undefined
  if (typeof address !== 'object') return { known: [], unknown: true }
  if (valueAt(value, ['spec', 'sse']) === undefined) return { known: [address], unknown: false }
  const messages = valueAt(value, ['spec', 'sse', 'messages'])
  return typeof messages === 'string' && pathProblem(messages) === undefined
    ? { known: [address, { host: address.host, path: messages }], unknown: false }
    : { known: [address], unknown: true }
}

const everything = compileMatch({ methods: ['*'] })

function readMatch({ value }: SourceDocument): Match | undefined {
  const parsed = matchSchema.safeParse(valueAt(value, ['spec', 'match']))
  return parsed.success ? compileMatch(parsed.data) : undefined
}
