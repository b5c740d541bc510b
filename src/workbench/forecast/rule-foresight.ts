import {
  type Activation,
  type AttributePath,
  type CelJson,
  CostBudget,
  type UnknownPattern,
} from '../../cel/environment.js'
import { limits } from '../../cel/limits.js'
import { circumstancesOf } from '../../decision/circumstances.js'
import type { JudgedTrial } from '../../decision/trial.js'
import { decisionBudget } from '../../policy/decision-budget.js'
import { activationOf } from '../../policy/expression-environment.js'
import type { Foresight } from '../../policy/partial-expressions.js'
import { embeddedOf } from '../../rbac/embedded-of.js'
import type { ResourceAttributes } from '../../rbac/operation.js'
import type { CallFacts } from './call-facts.js'

/** What a rule says, and whether it could be evaluated for what one expression may cost. */
export interface Foretold<Said> {
  readonly said: Said
  readonly affordable: boolean
}

interface Rule {
  /** Variables that its expressions read. */
  readonly reads: ReadonlySet<string>
}

/**
 * Gives the rules of one call what is known of it. What costs more than can be foreseen is not known either: it is a
 * different matter than a rule that hangs on nothing.
 */
export class RuleForesight {
  readonly #facts: CallFacts
  readonly #activation: Activation
  readonly #unknowns: readonly UnknownPattern[]
  /** Of the operations, what is known; undefined where all or nothing is. */
  readonly #operations: readonly ResourceAttributes[] | undefined
  #left = decisionBudget

  constructor(facts: CallFacts, trial: JudgedTrial) {
    this.#facts = facts
    this.#unknowns = unknownsOf(facts, trial)
    this.#activation = activationOf(circumstancesOf(trial))
    const partly = facts.argumentsKnown !== true && trial.resolved !== undefined
    this.#operations = partly ? trial.operations : undefined
  }

  /** @param policy `Kind/name` */
  ask<Said>(policy: string, rule: Rule, evaluate: (foresight: Foresight) => Said): Foretold<Said> {
    if (this.#operations !== undefined && rule.reads.has('operations') && this.#facts.readsAttributesOnly?.(policy)) {
      const known = this.#withOperations(this.#operations, evaluate)
      if (known !== undefined) return known
    }
    return this.#evaluate(this.#activation, this.#unknowns, evaluate)
  }

  /**
   * With operations of which not all members are known. An unknown member makes all of a list unknown to comprehensions, so
   * they are left out, and put in with other values: what the rule says every time hangs on none of them. undefined: it does
   * not say the same.
   */
  #withOperations<Said>(
    operations: readonly ResourceAttributes[],
    evaluate: (foresight: Foresight) => Said,
  ): Foretold<Said> | undefined {
    const unknowns = this.#unknowns.filter(([name]) => name !== 'operations')
    let first: Foretold<Said> | undefined
    for (const others of otherMembers) {
      const value = operations.map(one => new Map<string, CelJson>([...attributesOf(one), ...others]))
      const activation: Activation = name => (name === 'operations' ? value : this.#activation(name))
      const told = this.#evaluate(activation, unknowns, evaluate)
      if (first === undefined) first = told
      else if (!told.affordable || textOf(told.said) !== textOf(first.said)) return undefined
    }
    return first
  }

  #evaluate<Said>(
    activation: Activation,
    unknowns: readonly UnknownPattern[],
    evaluate: (foresight: Foresight) => Said,
  ): Foretold<Said> {
    const hidden = new Set<unknown>(unknowns.flatMap(pattern => (pattern.length === 1 ? pattern : [])))
    const given = Math.min(limits.budget, this.#left)
    const budget = new CostBudget(given)
    const said = evaluate({ activation: name => (hidden.has(name) ? undefined : activation(name)), unknowns, budget })
    this.#left -= given - budget.left
    return { said, affordable: !budget.spent }
  }
}

function attributesOf({ verb, group, resource, subresource, namespace, name }: ResourceAttributes) {
  return Object.entries({ verb, group, resource, subresource, namespace, name })
}

/** Members of operations that nobody may know, without a value and with some. */
const otherMembers: readonly (readonly (readonly [string, CelJson])[])[] = [
  [],
  [
    ['version', 'a-version-that-nobody-has'],
    ['clusterScoped', true],
    ['object', new Map()],
  ],
  [
    ['version', ''],
    ['clusterScoped', false],
  ],
]

/** Names of those members; an expression without any of them does not read them by name. */
export const unknownMembers: readonly string[] = ['version', 'clusterScoped', 'object']

function textOf(said: unknown): string {
  return JSON.stringify(said, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)) ?? ''
}

export const costs = 'rules that cost too much to be foreseen'

export function textsOf(paths: readonly AttributePath[]): readonly string[] {
  return paths.map(path => path.join('.'))
}

function unknownsOf({ call, argumentsKnown, unknowns }: CallFacts, trial: JudgedTrial): readonly UnknownPattern[] {
  const { server, catalogTool, resolved } = trial
  const found: UnknownPattern[] = [...unknowns]
  if (argumentsKnown !== true) {
    found.push(['mcp', 'params'])
    // Of arguments that the catalogue lists, those alone are unknown: a call with others is refused.
    const named = argumentsKnown === false ? catalogTool?.arguments : argumentsKnown
    const listed = call.protocol === 'json' ? undefined : named
    if (listed === undefined) found.push(['args'])
    else for (const name of listed) found.push(['args', name])
    if (catalogTool !== undefined) {
      found.push(['images'], ['replicas'], ['operations'])
      if (resolved === undefined) found.push(['authorizer.requestResource'])
    }
  }
  // Whose answers count is known with the arguments where one of them names the cluster.
  const elsewhere =
    argumentsKnown !== true && catalogTool?.clusterArgument !== undefined && server.kubernetes.contexts.size > 0
  const authorizer = server.authorizers.get(server.kubernetes.cluster) ?? server.authorizer
  if (elsewhere || embeddedOf(authorizer) === undefined) found.push(['authorizer'], ['authorizer.requestResource'])
  return found
}
