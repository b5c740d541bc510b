import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { didYouMean } from '../documents/validate.js'
import { valueAt } from '../documents/value-at.js'
import { isEnabled, methodTable } from '../protocol/mcp/method-table.js'
import { compileGlob, compileGlobs } from './glob.js'
import type { Match } from './match.js'
import type { Server } from './server.js'

export type Report = (
  severity: Finding['severity'],
  document: SourceDocument,
  path: readonly PathSegment[],
  message: string,
  hint?: string,
) => void

/** What is named where a call has no method of MCP. */
const otherMethods = ['GET', 'DELETE', 'response', 'json'] as const

/** Names in a match that nothing has, and conditions that no call can meet: such a rule compiles, and does nothing. */
export function checkMatch(document: SourceDocument, match: Match, servers: readonly Server[], report: Report): void {
  const matched = servers.filter(server => match.server(server.name))
  checkServers(document, servers, report)
  checkMethods(document, matched, report)
  checkTools(document, matched, report)
  if (matched.length === 0 || matched.some(server => server.catalog !== undefined)) return
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

function checkServers(document: SourceDocument, servers: readonly Server[], report: Report): void {
  const names = servers.map(server => server.name)
  for (const [index, name] of listAt(document, 'servers').entries()) {
    if (names.some(compileGlob(name))) continue
    report(
      'warning',
      document,
      ['spec', 'match', 'servers', index],
      `there is no Server "${name}"`,
      suggestion(name, names),
    )
  }
}

function checkMethods(document: SourceDocument, matched: readonly Server[], report: Report): void {
  const methods = listAt(document, 'methods')
  if (methods.length === 0) return
  const own = matched.flatMap(server => [...server.methods])
  const known = [...methodTable.keys(), ...otherMethods, ...own.filter(name => !name.includes('*'))]
  for (const [index, name] of methods.entries()) {
    if (name.includes('*') || known.includes(name) || matched.some(server => isEnabled(name, server.methods))) continue
    report(
      'warning',
      document,
      ['spec', 'match', 'methods', index],
      `"${name}" is no method of MCP, and no Server that it matches adds it`,
      suggestion(name, known),
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

function checkTools(document: SourceDocument, matched: readonly Server[], report: Report): void {
  // Without a catalogue a Server may have any tool.
  if (matched.length === 0 || matched.some(server => server.catalog === undefined)) return
  const tools = matched.flatMap(server => [...(server.catalog?.tools.keys() ?? [])])
  for (const [index, name] of listAt(document, 'tools').entries()) {
    if (tools.some(compileGlob(name))) continue
    report(
      'warning',
      document,
      ['spec', 'match', 'tools', index],
      `no catalogue of the Servers that it matches has a tool "${name}"`,
      suggestion(name, tools),
    )
  }
}

function suggestion(name: string, candidates: readonly string[]): string | undefined {
  const near = didYouMean(name, candidates)
  return near === undefined ? undefined : `did you mean "${near}"?`
}

/** A list of strings below `spec.match`, as written. */
function listAt({ value }: SourceDocument, field: 'servers' | 'methods' | 'tools'): readonly string[] {
  const list = valueAt(value, ['spec', 'match', field])
  return Array.isArray(list) ? list.filter(item => typeof item === 'string') : []
}
