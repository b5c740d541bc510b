import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import type { ConfigNode } from './config-node.js'
import { type EnvoyCheckCode, envoyChecks } from './envoy-checks.js'

/** A finding about an Envoy configuration. The code is stable; see docs/envoy.md. */
export interface EnvoyFinding extends Finding {
  readonly code: EnvoyCheckCode
}

/** Collects findings; the same one at the same place (an alias, a shared route configuration) is kept once. */
export class Findings {
  readonly #found = new Map<string, EnvoyFinding>()

  /** At a value, or where a field of it is missing: at the value that should hold it. */
  add(code: EnvoyCheckCode, node: ConfigNode, what: string, fix?: string): void {
    this.#put(code, node.document, node.path, what, fix)
  }

  /** At a document as a whole. */
  addDocument(code: EnvoyCheckCode, document: SourceDocument, what: string, fix?: string): void {
    this.#put(code, document, [], what, fix)
  }

  /** A finding of the YAML reader. */
  addUnreadable(finding: Finding): void {
    const { line, column } = finding.location
    const { fix } = envoyChecks['envoy.unreadable']
    this.#found.set(`${finding.location.file}:${line}:${column}:${finding.message}`, {
      ...finding,
      code: 'envoy.unreadable',
      hint: finding.hint ?? fix,
    })
  }

  all(): readonly EnvoyFinding[] {
    return [...this.#found.values()]
  }

  #put(
    code: EnvoyCheckCode,
    document: SourceDocument,
    path: readonly PathSegment[],
    what: string,
    fix: string | undefined,
  ): void {
    const check = envoyChecks[code]
    const finding = document.finding(check.severity, path, `${what}: ${check.why}`, {
      hint: fix ?? check.fix,
      at: 'key',
    })
    const { file, line, column } = finding.location
    const key = `${file}:${line}:${column}:${code}:${what}`
    if (!this.#found.has(key)) this.#found.set(key, { ...finding, subject: '', code })
  }
}
