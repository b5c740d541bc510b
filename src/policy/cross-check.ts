import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { didYouMean } from '../documents/validate.js'
import type { Enrichment } from './enrichment.js'
import type { Grant } from './grant.js'
import type { Guardrail } from './guardrail.js'
import type { Match } from './match.js'
import type { Server } from './server.js'
import type { ServerDraft } from './server-document.js'

interface Written<T> {
  readonly document: SourceDocument
  readonly value: T
}

export interface CrossCheckInput {
  readonly servers: readonly Server[]
  readonly serverDocuments: readonly Written<ServerDraft>[]
  readonly grants: readonly Written<Grant>[]
  readonly guardrails: readonly Written<Guardrail>[]
  readonly enrichments: readonly Written<Enrichment>[]
}

export interface CrossChecked {
  readonly findings: readonly Finding[]
  readonly excludedServers: ReadonlySet<string>
}

/** What only shows when the documents stand together: two Servers at one address, rules that can never matter, names that nothing has. */
export function crossCheck(input: CrossCheckInput): CrossChecked {
  const findings: Finding[] = []
  const excludedServers = new Set<string>()
  const report = (
    severity: Finding['severity'],
    document: SourceDocument,
    path: readonly PathSegment[],
    message: string,
    hint?: string,
  ) => findings.push(document.finding(severity, path, message, hint === undefined ? {} : { hint }))

  const addresses = new Map<string, Written<ServerDraft>>()
  for (const one of input.serverDocuments) {
    const address = `${one.value.host}${one.value.path}`
    const other = addresses.get(address)
    addresses.set(address, other ?? one)
    if (other === undefined) continue
    for (const { document, value } of [other, one]) {
      report(
        'error',
        document,
        ['spec', 'resource'],
        `the Servers ${other.value.name} and ${one.value.name} stand at the same address`,
        'give each its own host or path',
      )
      excludedServers.add(value.name)
    }
  }

  const serverNames = input.servers.map(server => server.name)
  for (const one of [...input.grants, ...input.guardrails, ...input.enrichments]) {
    checkNames(one.document, one.value.match, input.servers, serverNames, report)
  }
  for (const { document, value } of input.grants) {
    const matched = input.servers.filter(server => value.match.server(server.name))
    if (matched.length > 0 && !matched.some(server => server.require.includes('grants'))) {
      report(
        'warning',
        document,
        ['spec', 'match', 'servers'],
        'no Server that it matches asks for grants, so it can never matter',
        'add grants to require of the Server, or delete this Grant',
      )
    }
  }
  const headerOwners = new Map<string, string>()
  for (const { document, value } of input.enrichments) {
    for (const [index, name] of value.headerNames.entries()) {
      const path = ['spec', 'requestHeaders', index, 'name']
      const owner = headerOwners.get(name)
      if (owner !== undefined)
        report(
          'warning',
          document,
          path,
          `the Enrichment ${owner} sets ${name} too; where both match, the first by name wins`,
        )
      headerOwners.set(name, owner ?? value.name)
      if (name.startsWith('x-mcp-authz-')) continue
      const without = input.servers.find(
        server => value.match.server(server.name) && !server.upstreamHeaders.includes(name),
      )
      if (without === undefined) continue
      report(
        'warning',
        document,
        path,
        `the Server ${without.name} does not let ${name} be set, so there it is left out`,
        `use a name that begins with x-mcp-authz-, or add ${name} to upstream.headers of the Server`,
      )
    }
  }
  return { findings, excludedServers }
}

type Report = (
  severity: Finding['severity'],
  document: SourceDocument,
  path: readonly PathSegment[],
  message: string,
  hint?: string,
) => void

function checkNames(
  document: SourceDocument,
  match: Match,
  servers: readonly Server[],
  names: readonly string[],
  report: Report,
): void {
  const matched = servers.filter(server => match.server(server.name))
  for (const [index, name] of listAt(document, 'servers').entries()) {
    if (name.includes('*') || names.includes(name)) continue
    report(
      'warning',
      document,
      ['spec', 'match', 'servers', index],
      `there is no Server "${name}"`,
      suggestion(name, names),
    )
  }
  const catalogued = matched.filter(server => server.catalog !== undefined)
  if (catalogued.length === 0 || catalogued.length < matched.length) return
  const tools = catalogued.flatMap(server => [...(server.catalog?.tools.keys() ?? [])])
  for (const [index, name] of listAt(document, 'tools').entries()) {
    if (name.includes('*') || tools.includes(name)) continue
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
function listAt({ value }: SourceDocument, field: 'servers' | 'tools'): readonly string[] {
  const match = member(member(value, 'spec'), 'match')
  const list = member(match, field)
  return Array.isArray(list) ? list.filter(item => typeof item === 'string') : []
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}
