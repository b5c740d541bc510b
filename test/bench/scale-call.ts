import type { Grant } from '../../src/policy/grant.js'
import type { Guardrail } from '../../src/policy/guardrail.js'
import { compileMatch, type MatchSpec } from '../../src/policy/match.js'
import { RuleIndex } from '../../src/policy/rule-index.js'
import type { Server } from '../../src/policy/server.js'
import { createServerTable } from '../../src/policy/server-table.js'
import type { PolicySnapshot } from '../../src/policy/snapshot.js'
import { createEmbeddedAuthorizer } from '../../src/rbac/embedded-authorizer.js'
import type { RbacObject } from '../../src/rbac/rbac-objects.js'
import { scaleRequest } from './check-requests.js'
import { type OpenProgram, openProgram, telemetry } from './open-program.js'
import { matchingGuardrails } from './policies.js'

/** How much there is beside what concerns the call that is measured. */
export interface Surroundings {
  /** About other tools, other kinds of access and other people. */
  readonly guardrails?: number
  /** About other people, and about other tools. */
  readonly grants?: number
  readonly tools?: number
  readonly servers?: number
  /** Of other people, half of them in the namespace of the call. */
  readonly bindings?: number
}

/** The typical call of the benchmark, bytes to bytes with metrics and record, in surroundings of any size. */
export class ScaleCall {
  readonly #program: OpenProgram
  readonly #message: Buffer

  constructor(program: OpenProgram) {
    this.#program = program
    this.#message = scaleRequest(program.token, 3)
  }

  /** @param matching how many Guardrails concern the call, at least 3 */
  static async open(matching = 3): Promise<ScaleCall> {
    return new ScaleCall(await openProgram('src', {}, matchingGuardrails(matching)))
  }

  close(): void {
    this.#program.close()
  }

  /** Decides the call once. Throws when it is not allowed. */
  async in(surroundings: Surroundings): Promise<() => void> {
    const { parts } = this.#program
    const snapshot = surrounded(this.#program.snapshot, surroundings)
    const fail = (error: unknown) => {
      throw error
    }
    const decide = parts.decide.createDecide({
      ...{ snapshot: () => snapshot, onBug: fail },
      ...telemetry(parts, snapshot),
    })
    const listener = { name: 'bench', door: 'ext-authz', profile: 'envoy', trust: 'none' } as const
    const context = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
    const handle = parts.checkHandler.createCheckHandler({ decide, listener, onError: fail })
    // The first call checks the signature, so that it has to be waited for.
    await handle(Buffer.from(this.#message), context)
    return () => {
      const answer = handle(Buffer.from(this.#message), context)
      if (answer instanceof Promise || answer[0] !== 0x0a || answer[3] !== 0) throw new Error('not allowed at once')
    }
  }
}

/** The Server asks for a Grant as well, and one of them gives. */
function surrounded(snapshot: PolicySnapshot, more: Surroundings): PolicySnapshot {
  const bench = snapshot.servers.byName('kubernetes')
  const { catalog } = bench ?? {}
  const known = catalog?.tools.get('resources_scale')
  if (bench === undefined || catalog === undefined || known === undefined) throw new Error('not the benchmark')
  const tools = new Map(catalog.tools)
  for (let n = 0; n < (more.tools ?? 0); n++) tools.set(`tool_${n}`, { ...known, name: `tool_${n}` })
  const authorizer = createEmbeddedAuthorizer([...rbac, ...times(more.bindings, bindingOfOthers)])
  const server: Server = {
    ...bench,
    ...{ catalog: { ...catalog, tools }, require: ['operations', 'grants'] },
    ...{ authorizer, authorizers: new Map([['local', authorizer]]) },
  }
  const others = times(more.servers, n => ({
    ...bench,
    ...{ name: `server-${n}`, host: n % 2 === 0 ? bench.host : `host-${n}.example.com`, path: `/mcp/of/server-${n}` },
  }))
  const servers = [server, ...others]
  const names = servers.map(({ name }) => name)
  const guardrails = snapshot.guardrails.ofServer(bench.name)
  return {
    ...snapshot,
    servers: createServerTable(servers),
    guardrails: new RuleIndex([...guardrails, ...times(more.guardrails, guardrailOfOthers)], names),
    grants: new RuleIndex([giving, ...times(more.grants, grantOfOthers)], names),
  }
}

function times<T>(count: number | undefined, make: (n: number) => T): readonly T[] {
  return Array.from({ length: count ?? 0 }, (_, n) => make(n))
}

function unasked(): never {
  throw new Error('a rule that is about something else was evaluated')
}

/** In the mixture of test/bench/policies.ts. */
export function otherMatch(n: number): MatchSpec {
  const kind = n % 27
  const servers = n % 3 === 0 ? {} : { servers: ['kubernetes'] }
  if (kind < 20) return { ...servers, tools: [`tool_${n}`, `family_${n}_*`, `*_of_${n}`] }
  if (kind < 24) return { ...servers, access: ['delete', 'exec'] }
  return { ...servers, subjects: [{ kind: 'Group', name: `contractors-${n}` }] }
}

function guardrailOfOthers(n: number): Guardrail {
  const name = `other-${n}`
  return {
    ...{ name, policy: `Guardrail/${name}`, match: compileMatch(otherMatch(n)), mode: 'Enforce', denial: undefined },
    ...{ members: new Set([`argument${n}`]), reads: new Set(['args']) },
    ...{ evaluate: unasked, foresee: unasked },
  }
}

function grant(name: string, match: MatchSpec): Grant {
  return {
    ...{ name, match: compileMatch(match), scopes: [], allowClaimed: false, conditional: false },
    ...{ members: new Set<string>(), reads: new Set<string>() },
    ...{ conditions: () => 'true' as const, foresee: unasked },
  }
}

const giving = grant('giving', { servers: ['kubernetes'], subjects: [{ kind: 'Group', name: 'staff' }] })

function grantOfOthers(n: number): Grant {
  const subjects: MatchSpec['subjects'] = [
    n % 2 === 0 ? { kind: 'Group', name: `team-${n}` } : { kind: 'User', name: `person-${n}@*` },
  ]
  return {
    ...grant(`other-${n}`, { servers: ['kubernetes'], subjects, ...(n % 4 === 0 && { tools: [`tool_${n}`] }) }),
    conditions: unasked,
  }
}

const subject = (kind: string, name: string) => ({ kind, name, namespace: '' })
const roleRef = { kind: 'ClusterRole', name: 'scaler' }

const rbac: readonly RbacObject[] = [
  {
    ...{ kind: 'ClusterRole', name: 'scaler', labels: new Map(), aggregation: undefined },
    rules: [
      {
        ...{ verbs: ['get', 'update', 'patch'], apiGroups: ['apps'] },
        ...{ resources: ['deployments', 'deployments/scale'], resourceNames: [], nonResourceURLs: [] },
      },
    ],
  },
  {
    ...{ kind: 'RoleBinding', name: 'developers', namespace: 'team-a', roleRef },
    subjects: [subject('Group', 'team-a-developers')],
  },
]

function bindingOfOthers(n: number): RbacObject {
  const subjects = [subject('Group', `team-${n}`), subject('User', `person-${n}@example.com`)]
  const name = `other-${n}`
  if (n % 4 === 0) return { kind: 'ClusterRoleBinding', name, roleRef, subjects }
  return { kind: 'RoleBinding', name, namespace: n % 2 === 0 ? 'team-a' : `team-${n % 500}`, roleRef, subjects }
}
