import { didYouMean } from '../documents/did-you-mean.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment } from '../documents/source-document.js'
import { configSpec } from './config-document.js'
import { environmentPrefix, type Setting, settingOfPath, settingOfVariable, variableNames } from './settings.js'

/** A value from outside the file, and who said it, e.g. `environment variable MCP_AUTHZ_HTTP_PORT`. */
export interface Override {
  /** Inside `spec`. */
  readonly path: readonly PathSegment[]
  readonly value: unknown
  readonly origin: string
}

export interface ReadOverrides {
  readonly overrides: readonly Override[]
  readonly findings: readonly Finding[]
}

/** Not settings, but read by whoever starts us. */
const otherVariables: ReadonlySet<string> = new Set(['MCP_AUTHZ_CONFIG'])

/**
 * Variables that Kubernetes sets in every pod for Services whose name begins with `mcp-authz`
 * (documentation "Environment variables", Docker-style links included). They are nobody's settings.
 */
const serviceLink = /_SERVICE_HOST$|_SERVICE_PORT(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/
const serviceLinkValue = /^(?:tcp|udp|sctp):\/\//

/** Settings from the environment. Unknown `MCP_AUTHZ_` names are errors: a misspelt one would silently do nothing. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): ReadOverrides {
  const overrides: Override[] = []
  const findings: Finding[] = []
  for (const name of Object.keys(environment).sort()) {
    const text = environment[name]
    if (!name.startsWith(environmentPrefix) || text === undefined || otherVariables.has(name)) continue
    if (serviceLink.test(name) || serviceLinkValue.test(text)) continue
    const origin = `environment variable ${name}`
    const setting = settingOfVariable(name, configSpec)
    if (setting === undefined) {
      const meant = didYouMean(name, variableNames(configSpec))
      findings.push(problem(origin, 'no setting has this name', meant && `did you mean ${meant}?`))
    } else add(setting, text, origin, overrides, findings)
  }
  return { overrides, findings }
}

/** Settings from flags: dotted paths inside `spec`, e.g. `http.port` or `listeners[0].tls.cert`. */
export function readFlags(flags: readonly (readonly [path: string, text: string])[]): ReadOverrides {
  const overrides: Override[] = []
  const findings: Finding[] = []
  for (const [path, text] of flags) {
    const origin = `flag ${path}`
    const setting = settingOfPath(path, configSpec)
    if (setting === undefined) findings.push(problem(origin, 'no setting has this name', undefined))
    else add(setting, text, origin, overrides, findings)
  }
  return { overrides, findings }
}

function add(setting: Setting, text: string, origin: string, overrides: Override[], findings: Finding[]): void {
  const value = parse(setting, text)
  if (value === undefined) {
    findings.push(
      problem(origin, setting.type === 'number' ? 'must be a whole number' : 'must be true or false', undefined),
    )
  } else overrides.push({ path: setting.path, value, origin })
}

function parse({ type }: Setting, text: string): unknown {
  switch (type) {
    case 'text':
      return text
    case 'number':
      return /^\d{1,15}$/.test(text) ? Number(text) : undefined
    case 'numberOrText':
      return /^\d{1,15}$/.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    case 'texts':
      return text.split(',').map(item => item.trim())
  }
}

function problem(origin: string, message: string, hint: string | undefined): Finding {
  const location = { file: origin, document: 1, line: 1, column: 1 }
  return { severity: 'error', location, subject: 'Config', path: '', message, hint }
}
