import type { Requirement } from '../../policy/server.js'
import { ArgumentRanges } from './argument-ranges.js'
import { type SuggestLimits, suggestLimits } from './limits.js'
import type { LeftOut, ObservedCall, ObservedCaller, ObservedOperation, ObservedTarget } from './observed-call.js'

/** Somebody who was seen at a Server. */
export interface SeenCaller extends ObservedCaller {
  /** Place among the callers of the Server. */
  readonly index: number
}

/** How often each caller, by index, did something. */
export type Uses = Map<number, number>

export interface SeenTarget extends ObservedTarget {
  readonly uses: Uses
  /** Calls that were not denied only because of Audit. */
  lacking: number
}

export interface SeenOperation {
  /** The name is "" or, with names told apart, one of `names`. */
  readonly operation: ObservedOperation
  /** undefined: about any object, because there are too many names, or names mean nothing here. */
  names: Map<string, Uses> | undefined
  readonly uses: Uses
}

export interface SeenServer {
  readonly name: string
  readonly callers: Map<string, SeenCaller>
  readonly targets: Map<string, SeenTarget>
  readonly operations: Map<string, SeenOperation>
  readonly serverQuestions: Map<string, SeenOperation>
  readonly tools: Map<string, ArgumentRanges>
  /** Calls of which not all operations are known, by tool. */
  readonly unfinished: Map<string, number>
  /** What the Server was seen to ask for. */
  readonly asks: Set<Requirement>
  agentsAsked: boolean
  virtualNamespace: string | undefined
  calls: number
  lacking: number
}

/** All that is kept of a log. */
export class Observations {
  readonly #limits: SuggestLimits
  readonly servers = new Map<string, SeenServer>()
  /** Why records say nothing of permissions, and how many. */
  readonly leftOut = new Map<string, number>()
  /** Calls that need no permission beyond a token. */
  free = 0
  /** Calls that found no room: the suggestion does not allow them. */
  overflow = 0
  calls = 0
  first = ''
  last = ''
  #uses = 0

  constructor(limits: SuggestLimits = suggestLimits) {
    this.#limits = limits
  }

  leave({ why, server, caller }: LeftOut): void {
    this.leftOut.set(why, (this.leftOut.get(why) ?? 0) + 1)
    // Of a group, whoever was denied is a member too.
    if (server !== undefined && caller !== undefined) {
      const seen = this.#server(server)
      if (seen !== undefined) this.#caller(seen, caller)
    }
  }

  add(call: ObservedCall): void {
    const server = this.#server(call.server)
    const caller = server && this.#caller(server, call.caller)
    // At most so many pairs are new.
    const wanted = call.targets.length + 2 * call.operations.length + call.serverQuestions.length + 16
    if (server === undefined || caller === undefined || this.#uses + wanted > this.#limits.uses) {
      this.overflow++
      return
    }
    this.calls++
    if (this.first === '' || call.timestamp < this.first) this.first = call.timestamp
    if (call.timestamp > this.last) this.last = call.timestamp
    this.#note(server, call)
    if (call.targets.length === 0 && call.serverQuestions.length === 0) this.free++
    else server.calls++
    if (call.lacking) server.lacking++
    for (const target of call.targets) this.#target(server, caller, target, call)
    for (const operation of call.serverQuestions) this.#operation(server.serverQuestions, caller, operation)
    for (const operation of call.operations) this.#operation(server.operations, caller, operation)
    const [target] = call.targets
    if (call.unfinished && target !== undefined) {
      const key = target.name === '' ? target.method : target.name
      if (server.unfinished.has(key) || server.unfinished.size < this.#limits.values * 8)
        server.unfinished.set(key, (server.unfinished.get(key) ?? 0) + 1)
    }
  }

  #note(server: SeenServer, call: ObservedCall): void {
    if (call.operations.length > 0) server.asks.add('operations')
    if (call.asksTools) server.asks.add('tools')
    if (call.asksGrants) server.asks.add('grants')
    server.virtualNamespace ??= call.virtualNamespace
    const asked = [...call.operations, ...call.serverQuestions]
    if (asked.some(({ role }) => role === 'agent')) server.agentsAsked = true
  }

  #target(server: SeenServer, caller: SeenCaller, target: ObservedTarget, call: ObservedCall): void {
    const key = JSON.stringify([target.kind, target.method, target.name])
    const seen = server.targets.get(key) ?? { ...target, uses: new Map(), lacking: 0 }
    server.targets.set(key, seen)
    this.#use(seen.uses, caller)
    if (call.lacking) seen.lacking++
    if (target.kind !== 'tool' || target.method !== 'tools/call') return
    const ranges = server.tools.get(target.name) ?? new ArgumentRanges(this.#limits)
    server.tools.set(target.name, ranges)
    ranges.add(call.arguments)
  }

  #operation(into: Map<string, SeenOperation>, caller: SeenCaller, operation: ObservedOperation): void {
    const { role, verb, group, resource, subresource, namespace, name } = operation
    const key = JSON.stringify([role, verb, group, resource, subresource, namespace])
    const chosen = !nameless.has(verb) && !ephemeral.has(`${group}/${resource}`)
    const named = name !== '' && (chosen || group === virtualGroup)
    const seen = into.get(key) ?? {
      operation: { role, verb, group, resource, subresource, namespace, name: '' },
      names: new Map<string, Uses>(),
      uses: new Map(),
    }
    into.set(key, seen)
    this.#use(seen.uses, caller)
    if (!named) {
      // Without a name it is about any.
      seen.names = undefined
      return
    }
    if (seen.names === undefined) return
    const uses = seen.names.get(name) ?? new Map<number, number>()
    seen.names.set(name, uses)
    this.#use(uses, caller)
    if (seen.names.size > this.#limits.names) seen.names = undefined
  }

  #use(uses: Uses, { index }: SeenCaller): void {
    const before = uses.get(index)
    if (before === undefined) this.#uses++
    uses.set(index, (before ?? 0) + 1)
  }

  #server(name: string): SeenServer | undefined {
    const known = this.servers.get(name)
    if (known !== undefined || this.servers.size >= this.#limits.servers) return known
    const made: SeenServer = {
      name,
      ...{ callers: new Map(), targets: new Map(), operations: new Map(), serverQuestions: new Map() },
      ...{ tools: new Map(), unfinished: new Map(), asks: new Set() },
      ...{ agentsAsked: false, virtualNamespace: undefined, calls: 0, lacking: 0 },
    }
    this.servers.set(name, made)
    return made
  }

  #caller(server: SeenServer, caller: ObservedCaller): SeenCaller | undefined {
    const key = JSON.stringify([caller.kind, caller.user, caller.groups, caller.agent, caller.throughUnnamed])
    const known = server.callers.get(key)
    if (known !== undefined || server.callers.size >= this.#limits.callers) return known
    const made = { ...caller, index: server.callers.size }
    server.callers.set(key, made)
    return made
  }
}

/** Of what stands for Servers and tools, whose names always count. */
const virtualGroup = 'mcp-authz.dev'

/** Requests of these verbs have no name, or one that RBAC does not get to see. */
const nameless: ReadonlySet<string> = new Set(['list', 'watch', 'create', 'deletecollection'])

/** Their objects come and go under names that nobody chose. */
const ephemeral: ReadonlySet<string> = new Set([
  '/pods',
  '/events',
  'events.k8s.io/events',
  'apps/replicasets',
  'apps/controllerrevisions',
  'batch/jobs',
  'metrics.k8s.io/pods',
  'discovery.k8s.io/endpointslices',
])
