import { append } from '../documents/append.js'
import { hasTarget, methodName } from './call-names.js'
import type { MatchedCall, MatchSpec } from './match.js'
import { PatternIndex } from './pattern-index.js'

/** Which of many matches can hold for a call: each is kept under one thing that a call of it must have. */
export class CallIndex {
  readonly #tools = new PatternIndex()
  readonly #access = new Map<string, number[]>()
  readonly #labelled: number[] = []
  readonly #prompts = new PatternIndex()
  readonly #resources = new PatternIndex()
  readonly #methods = new PatternIndex()
  readonly #anyTarget: number[] = []

  add({ tools, access, labels, prompts, resources, methods }: MatchSpec, id: number): void {
    if (tools !== undefined) for (const pattern of tools) this.#tools.add(pattern, id)
    else if (access !== undefined) for (const one of access) this.#addAccess(one, id)
    else if (labels !== undefined && Object.keys(labels).length > 0) this.#labelled.push(id)
    else if (prompts !== undefined) for (const pattern of prompts) this.#prompts.add(pattern, id)
    else if (resources !== undefined) for (const pattern of resources) this.#resources.add(pattern, id)
    else if (methods !== undefined) for (const pattern of methods) this.#methods.add(pattern, id)
    else this.#anyTarget.push(id)
  }

  /** Adds the ids of those that can hold; some that do not hold as well, and some twice. */
  collect({ call, tool, catalogTool }: MatchedCall, into: number[]): void {
    if (tool !== undefined) {
      this.#tools.collect(tool, into)
      // What no catalogue tells about has neither access nor labels.
      if (catalogTool !== undefined) {
        append(this.#access.get(catalogTool.access), into)
        append(this.#labelled, into)
      }
    }
    const { target, alsoTargets } = call
    if (target.kind === 'prompt') this.#prompts.collect(target.name, into)
    if (target.kind === 'resource') this.#resources.collect(target.name, into)
    for (const also of alsoTargets) if (also.kind === 'resource') this.#resources.collect(also.name, into)
    this.#methods.collect(methodName(call), into)
    if (hasTarget(call)) append(this.#anyTarget, into)
  }

  #addAccess(access: string, id: number): void {
    const ids = this.#access.get(access)
    if (ids === undefined) this.#access.set(access, [id])
    else ids.push(id)
  }
}
