import type { Inputs } from './inputs.js'
import type { SetSize } from './policy-sets.js'

/** What a set of policies takes in one process. */
export interface SetCost {
  /** Seconds of processor time to load it at the start. */
  readonly loadSeconds: number
  /** Milliseconds of processor time when one document changes. */
  readonly reloadMs: number
  readonly heapBytes: number
}

type Measured = Inputs['loads'][number]

/**
 * Of a set of any size, from those that were measured: so much for each tool, rule, grant and binding, and for reloads so
 * much for each pair of a Server and a rule, since every rule is compared with every Server.
 */
export function setCost(inputs: Inputs, size: SetSize): SetCost {
  const { base, tools, guardrails, grants, bindings, pairs } = measured(inputs)
  const each = (key: 'loadMs' | 'reloadMs' | 'heapBytes', one: Measured, count: number) =>
    (one[key] - base[key]) / count
  const sum = (key: 'loadMs' | 'reloadMs' | 'heapBytes', of: SetSize) =>
    base[key] +
    each(key, tools, toolsOf(tools)) * toolsOf(of) +
    Math.max(0, each(key, guardrails, guardrails.guardrails)) * of.guardrails +
    Math.max(0, each(key, grants, grants.grants)) * of.grants +
    each(key, bindings, bindings.bindings) * of.bindings
  const perPair = Math.max(0, pairs.reloadMs - sum('reloadMs', pairs)) / pairsOf(pairs)
  return {
    loadSeconds: (sum('loadMs', size) + perPair * pairsOf(size)) / 1000,
    reloadMs: sum('reloadMs', size) + perPair * pairsOf(size),
    heapBytes: sum('heapBytes', size),
  }
}

function measured({
  loads,
}: Inputs): Readonly<Record<'base' | 'tools' | 'guardrails' | 'grants' | 'bindings' | 'pairs', Measured>> {
  const find = (is: (one: Measured) => boolean) => {
    const found = loads.find(is)
    if (found === undefined) throw new Error('a set was not measured')
    return found
  }
  return {
    base: find(one => toolsOf(one) + one.guardrails + one.grants + one.bindings === 0),
    tools: find(one => toolsOf(one) === 50_000),
    guardrails: find(one => one.guardrails === 1000 && one.grants === 0),
    grants: find(one => one.grants === 1000 && one.guardrails === 0),
    bindings: find(one => one.bindings === 10_000),
    // Many Servers and many rules together, which is more than each alone.
    pairs: find(one => one.guardrails > 0 && one.grants > 0),
  }
}

export function toolsOf({ servers, toolsPerServer }: SetSize): number {
  return servers * toolsPerServer
}

function pairsOf({ servers, guardrails, grants }: SetSize): number {
  return servers * (guardrails + grants)
}

/** A part of the Servers, with what is about them. */
export function shardOf(size: SetSize, shards: number): SetSize {
  const part = (count: number) => Math.ceil(count / shards)
  const { servers, guardrails, grants, toolsPerServer, bindings } = size
  return { servers: part(servers), toolsPerServer, guardrails: part(guardrails), grants: part(grants), bindings }
}
