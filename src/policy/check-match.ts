import type { Suggestions } from '../documents/did-you-mean.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import { isEnabled, methodTable } from '../protocol/mcp/method-table.js'
import { compileGlob, compileGlobs } from './glob.js'
import type { Match } from './match.js'
import type { MatchedServers, ServerNames } from './matched-servers.js'

export type Report = (
  severity: Finding['severity'],
  document: SourceDocument,
  path: readonly PathSegment[],
  message: string,
  hint?: string,
) => void

/** What is named where a call has no method of MCP. */
const otherMethods = ['GET', 'DELETE', 'response', 'json'] as const
const knownMethods: ReadonlySet<string> = new Set([...methodTable.keys(), ...otherMethods])

/** Names in a match that nothing has, and conditions that no call can meet: such a rule compiles, and does nothing. */
export function checkMatch(document: SourceDocument, match: Match, servers: MatchedServers, report: Report): void {
  const matched = servers.namesOf(servers.of(match))
  checkServers(document, servers, report)
  checkMethods(document, matched, servers.suggestions, report)
  checkTools(document, matched, servers.suggestions, report)
  if (matched.servers.length === 0 || matched.servers.some(server => server.catalog !== undefined)) return
  for (const field of ['access', 'labels'] as const) {
    if (valueAt(document.value, ['spec', 'match', field]) === undefined) continue
    report(
      'warning',
      document,
      ['spec', 'match', field],
      'no Server that it matches has a catalogue to say this of its tools, so it can never match',
      'add catalog to the Server, or match by tools',
    )
  }
}

function checkServers(document: SourceDocument, servers: MatchedServers, report: Report): void {
  for (const [index, name] of listAt(document, 'servers').entries()) {
    if (name.includes('*') ? someMatches(name, servers.names) : servers.byName(name) !== undefined) continue
    report(
      'warning',
      document,
      ['spec', 'match', 'servers', index],
      `there is no Server "${name}"`,
      suggestion(servers.suggestions, name, servers.names),
    )
  }
}

function checkMethods(document: SourceDocument, matched: ServerNames, suggestions: Suggestions, report: Report): void {
  const methods = listAt(document, 'methods')
  if (methods.length === 0) return
  for (const [index, name] of methods.entries()) {
    if (name.includes('*') || knownMethods.has(name) || matched.methods.has(name)) continue
    if (matched.servers.some(server => isEnabled(name, server.methods))) continue
    report(
      'warning',
      document,
      ['spec', 'match', 'methods', index],
      `"${name}" is no method of MCP, and no Server that it matches adds it`,
      suggestion(suggestions, name, new Set([...knownMethods, ...matched.methods])),
    )
  }
  const tools = ['tools', 'access', 'labels'].find(
    field => valueAt(document.value, ['spec', 'match', field]) !== undefined,
  )
  if (tools === undefined || compileGlobs(methods)('tools/call')) return
  report(
    'warning',
    document,
    ['spec', 'match', 'methods'],
    `${tools} matches calls of tools only, and tools/call is not among the methods, so it can never match`,
    `add tools/call, or remove ${tools}`,
  )
}

function checkTools(document: SourceDocument, matched: ServerNames, suggestions: Suggestions, report: Report): void {
  const names = listAt(document, 'tools')
  if (names.length === 0 || matched.servers.length === 0) return
  const { tools } = matched
  // Without a catalogue a Server may have any tool.
  if (tools === undefined) return
  for (const [index, name] of names.entries()) {
    if (tools.has(name) || (name.includes('*') && someMatches(name, tools))) continue
    report(
      'warning',
      document,
      ['spec', 'match', 'tools', index],
      `no catalogue of the Servers that it matches has a tool "${name}"`,
      suggestion(suggestions, name, tools),
    )
  }
}

function someMatches(pattern: string, names: Iterable<string>): boolean {
  const matches = compileGlob(pattern)
  for (const name of names) if (matches(name)) return true
  return false
}

function suggestion(suggestions: Suggestions, name: string, candidates: ReadonlySet<string>): string | undefined {
  const near = suggestions.of(name, candidates)
  return near === undefined ? undefined : `did you mean "${near}"?`
}

/** A list of strings below `spec.match`, as written. */
function listAt({ value }: SourceDocument, field: 'servers' | 'methods' | 'tools'): readonly string[] {
  const list = valueAt(value, ['spec', 'match', field])
  return Array.isArray(list) ? list.filter(item => typeof item === 'string') : []
}
