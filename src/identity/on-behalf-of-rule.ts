import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Principal } from './principal.js'

/**
 * Who may name the person for whom it acts, and how. Both lists given: both must hold.
 *
 * - jwt: the header holds a token of that person, of a configured issuer, with an audience of its own
 * - plain: the header holds the person's user name, and the workload's word is all there is
 */
export interface OnBehalfOfRule {
  readonly header: string
  readonly format: 'jwt' | 'plain'
  /** `alias:id` of attested agents; undefined = not asked. */
  readonly agents: ReadonlySet<string> | undefined
  /** Segments of SPIFFE patterns; undefined = not asked. */
  readonly workloads: readonly (readonly string[])[] | undefined
  /** jwt: the token needs one of these. */
  readonly audiences: readonly string[]
  /** plain: goes before the name. */
  readonly prefix: string
}

/** The rule under which this software may speak for people; undefined when there is none. */
export function ruleFor(
  rules: readonly OnBehalfOfRule[],
  header: string,
  presenter: Principal,
): OnBehalfOfRule | undefined {
  // Software that was itself delegated to, or that has no name that somebody vouches for, speaks for nobody.
  if (presenter.kind !== 'machine' || presenter.actors.length > 0) return undefined
  if (presenter.agent.assurance !== 'attested') return undefined
  return rules.find(
    rule =>
      rule.header === header &&
      (rule.agents === undefined || rule.agents.has(`${presenter.agent.issuer}:${presenter.agent.id}`)) &&
      (rule.workloads === undefined || rule.workloads.some(pattern => matchesWorkload(pattern, presenter.workload))),
  )
}

/** A star is one whole segment. */
function matchesWorkload(pattern: readonly string[], workload: string): boolean {
  if (!workload.startsWith('spiffe://')) return false
  const segments = workload.slice('spiffe://'.length).split('/')
  return (
    segments.length === pattern.length &&
    pattern.every((segment, index) => segment === segments[index] || (segment === '*' && segments[index] !== ''))
  )
}

export type NamedPerson =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly header: string; readonly value: string }
  | { readonly kind: 'several' }

/** The one header of those that rules name; `several` when it is repeated, joined, or two of them came. */
export function namedPerson(
  rules: readonly OnBehalfOfRule[],
  { headers }: Pick<InboundRequest, 'headers'>,
): NamedPerson {
  const names = new Set(rules.map(({ header }) => header).filter(name => headers.has(name)))
  const [header] = names
  if (header === undefined) return { kind: 'none' }
  const value = headers.one(header)
  // Gateways join repeated headers with a comma, which neither a token nor an accepted user name contains.
  if (names.size > 1 || value === undefined || value.includes(',')) return { kind: 'several' }
  return { kind: 'one', header, value }
}
