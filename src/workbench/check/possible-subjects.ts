import type { SourceDocument } from '../../documents/source-document.js'
import { readAuthenticationConfiguration } from '../../identity/authentication-configuration.js'
import { combineIdentity, type IdentityConfiguration } from '../../identity/identity-configuration.js'
import { readIdentityDocument } from '../../identity/identity-document.js'
import type { ClaimSource } from '../../identity/issuer-configuration.js'
import type { Server } from '../../policy/server.js'

/** Which users, groups and agents identity documents can make of tokens. Patterns may have stars. */
export interface PossibleSubjects {
  user(pattern: string): boolean
  group(pattern: string): boolean
  /** `alias:id` */
  agent(pattern: string): boolean
  /** As subjects of RBAC and Grants. */
  readonly aliases: readonly string[]
  /** What names of users, and of groups, begin with; undefined: with anything. */
  readonly userPrefixes: readonly string[] | undefined
  readonly groupPrefixes: readonly string[] | undefined
}

/** undefined where no document says who callers are, or they contradict each other. */
export function possibleSubjects(
  documents: readonly SourceDocument[],
  servers: readonly Server[],
): PossibleSubjects | undefined {
  const options = { insecureLoopbackIssuers: true }
  const configurations = documents
    .filter(({ kind }) => kind === 'AuthenticationConfiguration')
    .flatMap(document => readAuthenticationConfiguration(document, options).value ?? [])
  const identity = documents.find(({ kind }) => kind === 'Identity')
  const read = identity && readIdentityDocument(identity, options).value
  const configuration = combineIdentity(configurations, read).value
  if (configuration === undefined || configuration.issuers.size === 0) return undefined
  return subjectsOf(configuration, servers)
}

function subjectsOf(configuration: IdentityConfiguration, servers: readonly Server[]): PossibleSubjects {
  const issuers = [...configuration.issuers.values()]
  const tokens = issuers.filter(({ review }) => review === undefined).map(one => one.configuration)
  const reviewed = issuers.some(({ review }) => review !== undefined)
  // A workload that is trusted may name anybody, without a token.
  const named = configuration.onBehalfOf.flatMap(one => (one.format === 'plain' ? [one.prefix] : []))
  const ofTokens = prefixesOf(tokens.map(({ username }) => username))
  const userPrefixes = ofTokens && [...new Set([...ofTokens, ...named])]
  const roles = configuration.roleMapper === undefined
  const groupPrefixes = roles ? prefixesOf(tokens.flatMap(({ groups }) => groups ?? [])) : undefined
  const aliases = issuers.map(({ alias }) => alias)
  const agents = servers.some(({ principals }) => principals.includes('agent'))
  const accounts = reviewed || configuration.workloads.length > 0
  const anonymous = servers.some(({ audience }) => audience.anonymous === 'Allow')
  return {
    userPrefixes,
    groupPrefixes,
    aliases,
    user(pattern) {
      if (accounts && (reviewed || mayBegin(pattern, ['system:serviceaccount:']))) return true
      if (anonymous && mayBegin(pattern, ['system:anonymous'])) return true
      // As RBAC has them; a person is never one.
      if (pattern.startsWith('agent:'))
        return (
          agents &&
          mayBegin(
            pattern,
            aliases.map(alias => `agent:${alias}:`),
          )
        )
      if (pattern.startsWith('system:'))
        return userPrefixes === undefined || userPrefixes.some(one => one.startsWith('system:'))
      return userPrefixes === undefined || mayBegin(pattern, userPrefixes)
    },
    group(pattern) {
      if (mayBegin(pattern, ['system:authenticated', 'system:unauthenticated'])) return true
      if (accounts && (reviewed || mayBegin(pattern, ['system:serviceaccounts']))) return true
      if (pattern.startsWith('system:'))
        return groupPrefixes === undefined || groupPrefixes.some(one => one.startsWith('system:'))
      return groupPrefixes === undefined || mayBegin(pattern, groupPrefixes)
    },
    agent: pattern =>
      pattern.startsWith('*') ||
      mayBegin(
        pattern,
        aliases.map(alias => `${alias}:`),
      ),
  }
}

/** undefined where an expression may make any name. */
function prefixesOf(sources: readonly ClaimSource[]): readonly string[] | undefined {
  const prefixes = new Set<string>()
  for (const source of sources) {
    if (source.kind === 'expression') return undefined
    prefixes.add(source.prefix)
  }
  return [...prefixes]
}

/** Whether some text of the pattern begins so; of a text that is shorter than the beginning, only with a star. */
function mayBegin(pattern: string, beginnings: readonly string[]): boolean {
  const star = pattern.indexOf('*')
  const head = star === -1 ? pattern : pattern.slice(0, star)
  return beginnings.some(one => head.startsWith(one) || (star !== -1 && one.startsWith(head)))
}
