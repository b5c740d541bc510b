import { createHash } from 'node:crypto'
import type { Finding } from '../documents/finding.js'
import { formatFinding } from '../documents/format-finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import {
  type AssembleContext,
  type AssembleInput,
  assembleInSlices,
  type LoadedDocument,
} from '../policy/assemble-snapshot.js'
import type { Compilation } from '../policy/compilation.js'
import type { CompiledDocument } from '../policy/compile-document.js'
import { type Gathered, type GatheredDocument, keyOf } from '../policy/gather-documents.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { Sliced } from '../sliced.js'

/** The policies in force, and what they were made of. */
export interface PoliciesInForce {
  readonly input: AssembleInput
  readonly snapshot: PolicySnapshot
}

/** What one document of the shadow sources does. */
export interface ShadowDocument {
  readonly kind: string
  readonly name: string
  readonly file: string
  /** Which YAML document of the file, from 1. */
  readonly document: number
  readonly source: string
  /**
   * added: nothing of its kind and name is in force. replaces: something is. same: it says what is in force word for
   * word. removes: it stands for the absence of what is in force. Those below do nothing. broken: it does not compile.
   * overridden: another document of the shadow counts. idle: it is of a kind that is not tried in the shadow, or removes
   * what is not there.
   */
  readonly state: 'added' | 'replaces' | 'same' | 'removes' | 'broken' | 'overridden' | 'idle'
}

export interface LaidOver {
  readonly snapshot: PolicySnapshot
  readonly documents: readonly ShadowDocument[]
  /** About the shadow: what is said of the policies in force is said elsewhere. */
  readonly findings: readonly Finding[]
  /** `Kind/name` of documents that do nothing because they are broken, and files that cannot be read. */
  readonly broken: readonly string[]
}

/** With the value "true": a document of the shadow stands for the absence of the one in force. */
export const absentAnnotation = 'mcp-authz.dev/absent'

/** Who somebody is was found out by the documents in force: a second answer would need the token again. */
const identityKinds: ReadonlySet<string> = new Set(['AuthenticationConfiguration', 'Identity'])

/**
 * The policies in force with the documents of the shadow laid over them: as they would be after the move of each into the
 * policies. Of those of one kind and name the shadow's counts. What is broken in the shadow is left out, so that what it
 * would replace counts on; the rest goes on.
 * @param context as for the policies in force; the authenticator stays theirs
 */
export function* layOver(
  inForce: PoliciesInForce,
  gathered: Gathered,
  compile: (document: SourceDocument) => Compilation<CompiledDocument>,
  context: AssembleContext,
): Sliced<LaidOver> {
  const shadow = sortOut(inForce.input, gathered, compile)
  for (;;) {
    yield
    const assembled = yield* assembleInSlices(
      inputOf(inForce.input, shadow),
      { ...context, authenticator: () => ({ value: inForce.snapshot.authenticator, findings: [] }) },
      inForce.snapshot,
    )
    yield
    const found = news(inForce.snapshot.findings, assembled.findings)
    // A document may turn out not to fit among the others: it is left out like one that does not compile.
    const misfits = misfitsOf(shadow, assembled.brokenKeys, found)
    if (misfits.length === 0) {
      const findings = news([], [...gathered.findings, ...shadow.findings, ...found])
      const names = shadow.documents.flatMap(({ kind, name, state }) => (state === 'broken' ? [`${kind}/${name}`] : []))
      return {
        snapshot: { ...assembled.snapshot, findings },
        documents: shadow.documents,
        findings,
        broken: [...new Set([...names, ...gathered.brokenFiles])],
      }
    }
    shadow.findings.push(...found.filter(isError))
    for (const key of misfits) breakUp(shadow, key)
  }
}

interface Laid {
  readonly loaded: LoadedDocument
  readonly described: ShadowDocument
}

interface Shadow {
  /** By key: what counts. */
  readonly laid: Map<string, Laid>
  /** Keys of what is taken away. */
  readonly removed: Set<string>
  documents: readonly ShadowDocument[]
  readonly findings: Finding[]
}

function sortOut(
  { loaded }: AssembleInput,
  gathered: Gathered,
  compile: (document: SourceDocument) => Compilation<CompiledDocument>,
): Shadow {
  const inForce = new Map(loaded.map(one => [one.key, one]))
  const laid = new Map<string, Laid>()
  const removed = new Set<string>()
  const documents: ShadowDocument[] = []
  const findings: Finding[] = []
  const describe = ({ document, source }: GatheredDocument, state: ShadowDocument['state']): ShadowDocument => {
    const { kind, name, file, index } = document
    const described: ShadowDocument = { kind, name, file, document: index, source: source.name, state }
    documents.push(described)
    return described
  }
  for (const one of gathered.documents) {
    const { key, document, source } = one
    const before = inForce.get(key)
    if (identityKinds.has(document.kind)) {
      describe(one, 'idle')
      findings.push(notTried(document))
    } else if (isAbsence(document)) {
      const wrong = wrongAbsence(document, before !== undefined)
      if (wrong !== undefined) findings.push(wrong)
      else removed.add(key)
      describe(one, wrong === undefined ? 'removes' : wrong.severity === 'error' ? 'broken' : 'idle')
    } else {
      const { value: compiled, findings: found } = compile(document)
      findings.push(...found)
      if (compiled === undefined) {
        describe(one, 'broken')
        continue
      }
      if (compiled.kind === 'ResultGuardrail') findings.push(aboutResults(document))
      const digest = createHash('sha256').update(document.text).digest('hex')
      const { name, trust } = source
      const described = describe(one, before === undefined ? 'added' : before.digest === digest ? 'same' : 'replaces')
      laid.set(key, {
        loaded: { key, document, digest, source: name, trust, compiled, warnings: found },
        described,
      })
    }
  }
  for (const one of [...gathered.conflicts, ...gathered.refused]) describe(one, 'broken')
  for (const one of gathered.overridden) describe(one, 'overridden')
  return { laid, removed, documents, findings }
}

function inputOf({ loaded, broken, unreadable }: AssembleInput, { laid, removed }: Shadow): AssembleInput {
  const kept = loaded.flatMap(one => (removed.has(one.key) ? [] : [laid.get(one.key)?.loaded ?? one]))
  const known = new Set(loaded.map(one => one.key))
  const added = [...laid].flatMap(([key, one]) => (known.has(key) ? [] : [one.loaded]))
  return {
    loaded: [...kept, ...added],
    // What is broken in force and mended in the shadow closes nothing there.
    broken: broken.filter(({ document }) => !laid.has(keyOf(document)) && !removed.has(keyOf(document))),
    unreadable,
  }
}

function misfitsOf({ laid }: Shadow, brokenKeys: readonly string[], findings: readonly Finding[]): readonly string[] {
  const wrong = new Set(findings.filter(isError).map(({ location: { file, document } }) => `${file}\0${document}`))
  return [...laid].flatMap(
    ([
      key,
      {
        loaded: { document },
      },
    ]) => (brokenKeys.includes(key) || wrong.has(`${document.file}\0${document.index}`) ? [key] : []),
  )
}

function isError({ severity }: Finding): boolean {
  return severity === 'error'
}

function breakUp(shadow: Shadow, key: string): void {
  const misfit = shadow.laid.get(key)?.described
  shadow.laid.delete(key)
  shadow.documents = shadow.documents.map(one => (one === misfit ? { ...one, state: 'broken' } : one))
}

/** Those that nobody has heard of. */
function news(known: readonly Finding[], findings: readonly Finding[]): readonly Finding[] {
  const said = new Set(known.map(formatFinding))
  return findings.filter(finding => {
    const text = formatFinding(finding)
    if (said.has(text)) return false
    said.add(text)
    return true
  })
}

export function isAbsence({ value }: SourceDocument): boolean {
  return valueAt(value, ['metadata', 'annotations', absentAnnotation]) === 'true'
}

const identifying: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/** What is wrong with a document that stands for an absence; undefined: nothing. */
function wrongAbsence(document: SourceDocument, isThere: boolean): Finding | undefined {
  const { value, kind, name } = document
  const extra = Object.keys(typeof value === 'object' && value !== null ? value : {}).find(
    field => !identifying.has(field),
  )
  // Without it, the file does not compile among the policies: nobody brings back by a move what was to be removed.
  if (extra !== undefined)
    return document.finding('error', [extra], `a document with ${absentAnnotation} has no ${extra}`, {
      at: 'key',
      hint: `keep apiVersion, kind and metadata alone, or remove the annotation`,
    })
  if (isThere) return undefined
  return document.finding('warning', ['metadata', 'name'], `no ${kind} named "${name}" is in force, so none is removed`)
}

function notTried(document: SourceDocument): Finding {
  const message = 'is not tried in the shadow: who is asking was found out by the documents in force'
  return document.finding('warning', ['kind'], message, { hint: 'try it with `mcp-authz test`, with tokens' })
}

function aboutResults(document: SourceDocument): Finding {
  const message = 'is about results, which are not judged a second time: in the shadow it does nothing'
  return document.finding('warning', ['spec'], message, { hint: 'try it with mode: Audit among the policies' })
}
