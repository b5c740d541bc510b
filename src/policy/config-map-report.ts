import type { Finding } from '../documents/finding.js'
import type { ConfigMapOrigin, ConfigMapSource } from './config-map-source.js'
import type { ConfigMap } from './config-map-versions.js'
import type { DocumentState } from './document-state.js'
import type { LoadReport } from './policy-store.js'

/** What became of one document of a ConfigMap, or of a key in which no document could be read. */
export interface ConfigMapEntry {
  /** `Guardrail/replica-cap`; "" where it cannot be told. */
  readonly document: string
  /** undefined: the ConfigMap went away while a document of it stays in force. */
  readonly configMap: ConfigMap | undefined
  readonly key: string | undefined
  readonly file: string
  readonly state: DocumentState['state']
  readonly errors: readonly Finding[]
  readonly warnings: readonly Finding[]
}

export interface ConfigMapReport {
  /** Those that need somebody's attention first. */
  readonly entries: readonly ConfigMapEntry[]
  /** What is wrong with the source as a whole: the ConfigMaps cannot be listed. */
  readonly problems: readonly Finding[]
}

const order: Readonly<Record<DocumentState['state'], number>> = {
  broken: 0,
  'kept-last-good': 1,
  overridden: 2,
  loaded: 3,
}

/** What a load made of the documents of one ConfigMap source. To be asked right after the load. */
export function reportOnConfigMaps(report: LoadReport, source: ConfigMapSource): ConfigMapReport {
  const findings = new Map<string, Finding[]>()
  const problems: Finding[] = []
  const place = (file: string, document: number) => `${document} ${file}`
  for (const finding of report.findings) {
    const { file, document } = finding.location
    if (file === source.place) problems.push(finding)
    if (!source.origins.has(file)) continue
    const at = place(file, document)
    findings.set(at, [...(findings.get(at) ?? []), finding])
  }
  const entries: ConfigMapEntry[] = []
  for (const { kind, name, file, document, source: from, state } of report.states) {
    if (from !== source.name) continue
    const at = place(file, document)
    entries.push(
      entryOf(name === '' ? kind : `${kind}/${name}`, file, source.origins.get(file), state, findings.get(at)),
    )
    findings.delete(at)
  }
  for (const found of findings.values()) {
    const [first] = found
    if (first === undefined) continue
    const { file } = first.location
    const state = found.some(isError) ? 'broken' : 'overridden'
    entries.push(entryOf(first.subject, file, source.origins.get(file), state, found))
  }
  return { entries: entries.sort((a, b) => order[a.state] - order[b.state]), problems }
}

function entryOf(
  document: string,
  file: string,
  origin: ConfigMapOrigin | undefined,
  state: DocumentState['state'],
  findings: readonly Finding[] = [],
): ConfigMapEntry {
  return {
    document,
    configMap: origin?.configMap,
    key: origin?.key,
    file,
    state,
    errors: findings.filter(isError),
    warnings: findings.filter(one => !isError(one)),
  }
}

function isError({ severity }: Finding): boolean {
  return severity === 'error'
}

const maxCharacters = 600

/**
 * A finding in one line. Line and column count in the text of the key, as an editor of that text shows them: in a manifest
 * of the whole ConfigMap, it stands further down and to the right.
 */
export function describeFinding({ location, path, message, hint }: Finding): string {
  const { document, line, column } = location
  const which = document > 1 ? `document ${document}, ` : ''
  // What is about a ConfigMap or a key as a whole stands nowhere in a text.
  const where = line === 1 && column === 1 && path === '' ? '' : `${which}line ${line}, column ${column}: `
  const said = `${path === '' ? '' : `${path}: `}${message}${hint === undefined ? '' : ` (${hint})`}`
  const text = `${where}${said}`.replace(/[\p{C}\u2028\u2029]/gu, ' ')
  const characters = [...text]
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters).join('')}…` : text
}
