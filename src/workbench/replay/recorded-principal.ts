import type { UnknownPattern } from '../../cel/environment.js'
import type { Principal } from '../../identity/principal.js'
import type { DecisionRecord } from '../../telemetry/read-records.js'

export interface RecordedPrincipal {
  readonly principal: Principal
  readonly scopesKnown: boolean
  /** What a record does not hold of who asked. */
  readonly unknowns: readonly UnknownPattern[]
}

/** Characters of one text in a record at most: what is as long may have been cut. */
export const maxText = 512

/** The caller as the record names it; undefined where it does not, or not to the end. */
export function recordedPrincipal(record: DecisionRecord): RecordedPrincipal | undefined {
  const { subject, agent, actors = [], tenant, workload = '' } = record
  if (subject === undefined) return undefined
  const texts = [subject.user, ...subject.groups, agent?.id ?? '', ...actors, tenant ?? '', workload]
  if (texts.some(text => text.length >= maxText)) return undefined
  if (subject.groups_total !== undefined) return undefined
  const id = agent?.id ?? ''
  const unknowns: UnknownPattern[] = [['claims'], ['user', 'uid'], ['user', 'extra'], ['actors', '*', 'issuer']]
  const principal: Principal = {
    kind: subject.kind,
    user: { username: subject.user, uid: '', groups: subject.groups, extra: new Map() },
    claims: new Map(),
    issuer: subject.issuer,
    issuerAlias: agent?.issuer ?? '',
    scopes: subject.scopes ?? [],
    agent: { id, issuer: agent?.issuer ?? '', assurance: agent?.assurance ?? 'none' },
    throughAgent: id !== '' || record.on_behalf_of !== undefined,
    actors: actors.map(name => ({ subject: name, issuer: '' })),
    chainId: record.chain_id ?? '',
    workload,
    tenant,
    agentUser:
      id === ''
        ? undefined
        : {
            username: `agent:${agent?.issuer ?? ''}:${id}`,
            uid: '',
            groups: ['system:authenticated'],
            extra: new Map(),
          },
    ...(record.on_behalf_of !== undefined && { onBehalfOf: record.on_behalf_of }),
    expiresAt: undefined,
  }
  const scopesKnown = subject.scopes_total === undefined
  if (!scopesKnown) unknowns.push(['scopes'])
  return { principal, scopesKnown, unknowns }
}
