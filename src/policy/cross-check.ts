import type { Finding } from '../documents/finding.js'
import { FindingList } from '../documents/finding-list.js'
import type { SourceDocument } from '../documents/source-document.js'
import type { AuthenticationConfiguration } from '../identity/authentication-configuration.js'
import type { IdentityDocument } from '../identity/identity-document.js'
import { forEachSliced, type Sliced } from '../sliced.js'
import { checkAudiences } from './check-audiences.js'
import { checkAuditTrail } from './check-audit-trail.js'
import { checkMatch, type Report } from './check-match.js'
import { checkResultGuardrails } from './check-result-guardrails.js'
import type { Enrichment } from './enrichment.js'
import type { Grant } from './grant.js'
import type { Guardrail } from './guardrail.js'
import { headerRoom, ownPrefix } from './header-names.js'
import { MatchedServers } from './matched-servers.js'
import type { ResultGuardrail } from './result-guardrail.js'
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
  readonly resultGuardrails: readonly Written<ResultGuardrail>[]
  readonly enrichments: readonly Written<Enrichment>[]
  readonly authentication: readonly Written<AuthenticationConfiguration>[]
  readonly identity: Written<IdentityDocument> | undefined
  /** Names of the clusters that stand in files only; the others have an API server. */
  readonly fileClusters: ReadonlySet<string>
}

export interface CrossChecked {
  readonly findings: readonly Finding[]
  readonly excludedServers: ReadonlySet<string>
  /** Enrichments for whose headers there is no room. */
  readonly excludedEnrichments: ReadonlySet<string>
}

/** What only shows when the documents stand together: two Servers at one address, rules that can never matter, names that nothing has. */
export function* crossCheck(input: CrossCheckInput): Sliced<CrossChecked> {
  const findings = new FindingList()
  const excludedServers = new Set<string>()
  const report: Report = (severity, document, path, message, hint) =>
    findings.add(document.finding(severity, path, message, hint === undefined ? {} : { hint }))

  const servers = new MatchedServers(input.servers)
  const addresses = new Map<string, Written<ServerDraft>>()
  yield* forEachSliced(input.serverDocuments, one => {
    // One that runs on its last good version stands where that stood.
    const live = servers.byName(one.value.name)
    const { host, path, messages } = one.value
    const stands = [{ host, path, messages }]
    if (live !== undefined) stands.push({ host: live.host, path: live.path, messages: live.sse?.messages })
    const paths = stands.flatMap(at =>
      [at.path, at.messages].flatMap(path => (path === undefined ? [] : at.host + path)),
    )
    for (const address of new Set(paths)) {
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
  })

  const matching = [...input.grants, ...input.guardrails, ...input.resultGuardrails, ...input.enrichments]
  // A name that nothing has is compared with all that there are, so each rule is a slice of its own.
  for (const { document, value } of matching) {
    checkMatch(document, value.match, servers, report)
    yield
  }
  checkResultGuardrails(input.resultGuardrails, servers, report)
  yield
  checkAudiences(input, report)
  yield
  checkAuditTrail(input, servers, report)
  yield* forEachSliced(input.grants, ({ document, value }) => {
    const matched = servers.of(value.match)
    if (matched.length > 0 && !matched.some(server => server.require.includes('grants'))) {
      report(
        'warning',
        document,
        ['spec', 'match', 'servers'],
        'no Server that it matches asks for grants, so it can never matter',
        'add grants to require of the Server, or delete this Grant',
      )
    }
  })
  const headerOwners = new Map<string, string>()
  yield* forEachSliced(input.enrichments, ({ document, value }) => {
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
      if (name.startsWith(ownPrefix)) continue
      const without = servers.of(value.match).find(server => !server.upstreamHeaders.includes(name))
      if (without === undefined) continue
      report(
        'warning',
        document,
        path,
        `the Server ${without.name} does not let ${name} be set, so there it is left out`,
        `use a name that begins with x-mcp-authz-, or add ${name} to upstream.headers of the Server`,
      )
    }
  })
  const excludedEnrichments = yield* checkHeaderRoom(input.enrichments, servers, report)
  return { findings: findings.all, excludedServers, excludedEnrichments }
}

/** In the order of their names, as they are applied: the one that takes too much is left out, and nothing else. */
function* checkHeaderRoom(
  enrichments: CrossCheckInput['enrichments'],
  servers: MatchedServers,
  report: Report,
): Sliced<ReadonlySet<string>> {
  const excluded = new Set<string>()
  const own = new Set<string>()
  const taken = new Map<string, ReadonlySet<string>>()
  const sorted = [...enrichments].sort((a, b) => (a.value.name < b.value.name ? -1 : 1))
  for (const { document, value } of sorted) {
    yield
    const names = value.headerNames.filter(name => name.startsWith(ownPrefix))
    const wanted = servers.of(value.match).map(server => ({
      server: server.name,
      names: new Set([
        ...(taken.get(server.name) ?? []),
        ...value.headerNames.filter(name => names.includes(name) || server.upstreamHeaders.includes(name)),
      ]),
    }))
    const full = wanted.find(one => one.names.size > headerRoom.perServer)
    const path = ['spec', 'requestHeaders']
    const hint = 'set fewer headers, or match fewer Servers'
    if (full !== undefined)
      report(
        'error',
        document,
        path,
        `with it, Enrichments set ${full.names.size} headers for the Server ${full.server}; there is room for ${headerRoom.perServer}, so it is left out`,
        hint,
      )
    else if (new Set([...own, ...names]).size > headerRoom.names)
      report(
        'error',
        document,
        path,
        `with it, Enrichments have more than ${headerRoom.names} ${ownPrefix}* names in all, so it is left out`,
        'use the same names in several Enrichments',
      )
    else {
      for (const name of names) own.add(name)
      for (const one of wanted) taken.set(one.server, one.names)
      continue
    }
    excluded.add(value.name)
  }
  return excluded
}
