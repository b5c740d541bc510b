import { dirname } from 'node:path'
import type { Finding } from '../documents/finding.js'
import { readDocuments } from '../documents/read-documents.js'
import type { SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import { applyOverrides } from './apply-overrides.js'
import type { Config } from './config.js'
import { configApiVersion, configDocument } from './config-document.js'
import { readEnvironment, readFlags } from './overrides.js'
import { resolveConfig } from './resolve-config.js'

export interface ConfigInput {
  /** The Config file with its text; without one, defaults and overrides make the configuration. */
  readonly file?: { readonly path: string; readonly text: string }
  /** Usually `process.env`. Settings are `MCP_AUTHZ_` and their path, e.g. `MCP_AUTHZ_HTTP_PORT`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Paths inside `spec` with their text, e.g. `['http.port', '0']`. They win over the environment. */
  readonly flags?: readonly (readonly [path: string, text: string])[]
  /** For relative paths when there is no file. Default: the current directory. */
  readonly workingDirectory?: string
}

export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Finding[] }
  /** At least one error, and the warnings. */
  | { readonly ok: false; readonly findings: readonly Finding[] }

/**
 * The configuration from file, environment and flags, the later winning over the earlier. Everything wrong is reported
 * at once, each at the place where it was written. Reads nothing itself.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const read = readConfigDocument(input.file)
  const environment = readEnvironment(input.environment ?? {})
  const flags = readFlags(input.flags ?? [])
  const findings: Finding[] = [...read.findings, ...environment.findings, ...flags.findings]
  if (read.document === undefined) return { ok: false, findings }

  const document = applyOverrides(read.document, [...environment.overrides, ...flags.overrides])
  const valid = validate(document, configDocument)
  if (!valid.ok) return { ok: false, findings: [...findings, ...valid.findings] }
  const base = input.file === undefined ? (input.workingDirectory ?? process.cwd()) : dirname(input.file.path)
  const resolved = resolveConfig(valid.value.spec, document, base)
  findings.push(...resolved.findings)
  if (findings.some(finding => finding.severity === 'error')) return { ok: false, findings }
  return { ok: true, config: resolved.config, warnings: findings }
}

function readConfigDocument(file: ConfigInput['file']): {
  readonly document: SourceDocument | undefined
  readonly findings: readonly Finding[]
} {
  const { path, text } = file ?? { path: 'defaults', text: `apiVersion: ${configApiVersion}\nkind: Config\n` }
  const { documents, findings } = readDocuments(path, text)
  const [document, second] = documents
  if (findings.length > 0) return { document: undefined, findings }
  if (document === undefined) {
    const location = { file: path, document: 1, line: 1, column: 1 }
    const hint = `write apiVersion: ${configApiVersion} and kind: Config`
    return {
      document,
      findings: [{ severity: 'error', location, subject: '', path: '', message: 'the file is empty', hint }],
    }
  }
  if (second !== undefined) {
    const message = 'the Config file holds more than one document'
    const hint = 'policies belong into the directories that spec.sources lists'
    return { document: undefined, findings: [second.finding('error', [], message, { hint })] }
  }
  return { document, findings }
}
