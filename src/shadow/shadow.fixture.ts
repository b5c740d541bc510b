import { type InboundOptions, inbound } from '../../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, person, through } from '../../test/support/policies.js'
import { createDecide, type Decided, type DecideOptions } from '../decision/create-decide.js'
import type { Decision } from '../decision/decision.js'
import type { Authenticator } from '../identity/authenticator.js'
import { PolicyStore } from '../policy/policy-store.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { PolicySource } from '../policy/source.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Authorizer } from '../rbac/authorizer.js'
import type { ShadowDrop } from '../telemetry/shadow-metrics.js'
import { type Compared, ShadowJudge, type ShadowJudgeOptions } from './shadow-judge.js'
import { ShadowSet } from './shadow-set.js'

const alice = person('alice', ['team-a-developers'], { tenant: 'team-a' })
export const people = {
  alice,
  bob: person('bob', ['viewers']),
  'alice-via-agent': through(alice, 'sre-agent'),
}

/** The documents of the demo by name, each in a file of its own. */
export const demoDocuments: Readonly<Record<string, string>> = Object.fromEntries(
  demo
    .read()
    .files.flatMap(({ text }) => text.split(/^---\n/m))
    .map(text => [`${/^kind: (.+)$/m.exec(text)?.[1]}-${/name: ([a-z-]+)/.exec(text)?.[1]}.yaml`, text]),
)

/** Names of the Guardrails that there are about the demo's Server. */
export function guardrailsOf(snapshot: PolicySnapshot | undefined): readonly string[] {
  return (snapshot?.guardrails.ofServer('kubernetes') ?? []).map(({ name }) => name)
}

/** Takes away what nobody has taken away yet. */
export function guardrail(name: string, spec: string): string {
  return `apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: ${name} }\nspec:\n${spec}\n`
}

export const cap = (most: number, mode = 'Enforce', name = 'replica-cap') =>
  guardrail(
    name,
    `  match: { servers: [kubernetes] }\n  validations:\n  - expression: replicas.all(n, n <= ${most})\n    message: at most ${most}\n    reason: ReplicaCap\n  mode: ${mode}`,
  )

export function absent(kind: string, name: string, more = ''): string {
  return `apiVersion: mcp-authz.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  annotations: { mcp-authz.dev/absent: "true" }\n${more}`
}

export interface ShadowStandOptions extends Partial<Omit<ShadowJudgeOptions, 'pair'>> {
  /** In force. Default: the demo's. */
  readonly sources?: readonly PolicySource[]
  readonly authenticator?: Authenticator
  /** Of the cluster. Default: the RBAC objects of the policies. */
  readonly authorizer?: Authorizer
  readonly decide?: Partial<DecideOptions>
}

/** The demo's policies in force, and these files laid over them. */
export function shadowStand(files: Record<string, string>, options: ShadowStandOptions = {}) {
  const { sources = [demo], authenticator = namesAsTokens(people), authorizer, decide: more, ...judging } = options
  const clusters =
    authorizer === undefined ? { clusters: ['local'] } : { clusters: [], authorizers: new Map([['local', authorizer]]) }
  const store = new PolicyStore({
    sources: [catalogs, ...sources],
    brokenPolicies: 'serve',
    compile: {},
    assemble: { ...clusters, authenticator: () => ({ value: authenticator, findings: [] }) },
  })
  store.load()
  const set = new ShadowSet({
    sources: [memorySource(files, { name: 'shadow' })],
    compile: {},
    assemble: {
      ...clusters,
      authenticator: () => {
        throw new Error('who asks is found out once')
      },
    },
    inForce: () => {
      const { current, input } = store
      return current && input && { snapshot: current, input }
    },
  })
  set.load()
  const compared: Compared[] = []
  const dropped: ShadowDrop[] = []
  const bugs: unknown[] = []
  const judge = new ShadowJudge({
    pair: () => set.current,
    sample: 1,
    onCompared: one => compared.push(one),
    onDropped: why => dropped.push(why),
    onBug: error => bugs.push(error),
    ...judging,
  })
  const seen: Decided[] = []
  const decide = createDecide({
    snapshot: () => store.current,
    onDecided: decided => {
      seen.push(decided)
      judge.decided(decided)
    },
    ...more,
  })
  return {
    ...{ store, set, judge, decide, compared, dropped, bugs, seen },
    /** Decides, and waits until the shadow has been asked. */
    async ask(as: string, body: unknown, rest: InboundOptions = {}): Promise<Decision> {
      const decision = await decide(requestOf(as, body, rest))
      for (let turn = 0; turn < 10_000 && judge.pending > 0; turn++) await settled(1)
      return decision
    },
  }
}

export function requestOf(as: string, body: unknown, rest: InboundOptions = {}): InboundRequest {
  return inbound({ ...rest, body, headers: { authorization: `Bearer ${as}`, ...rest.headers } })
}

/** Some turns of the event loop, in which all that waits for nobody is done. */
export async function settled(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
}
