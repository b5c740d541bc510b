import { methodName } from '../policy/call-names.js'
import type { Call, Target } from '../protocol/call.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import { list, maxListed, text } from './record-text.js'
import { RepeatedText } from './repeated-text.js'
import type { AskedAccess } from './trial.js'

type CallParts = readonly [
  method: string,
  kind: Call['kind'],
  era: Call['era'],
  version: string | undefined,
  via: string | undefined,
  target: Target['kind'],
  name: string,
]
type AskedParts = readonly [
  role: AskedAccess['role'],
  verb: string,
  group: string,
  resource: string,
  subresource: string,
]

/** Parts of records that calls of one tool mostly have in common. */
export class ToolTexts {
  /** What is called, as the begin of the field `mcp`. */
  readonly call: RepeatedText<CallParts>
  /** The field `policies`. */
  readonly policies = new RepeatedText(policiesField)
  readonly #asked: RepeatedText<AskedParts>[] = []

  /** @param longestCall see {@link RepeatedText} */
  constructor(longestCall?: number) {
    this.call = new RepeatedText(callFields, longestCall)
  }

  /** The items of the field `rbac`. */
  asked(all: readonly AskedAccess[]): string {
    let items = ''
    for (const [at, { role, operation, allowed }] of all.entries()) {
      if (at === maxListed) break
      const { verb, group, resource, subresource, namespace, name } = operation
      let begin = this.#asked[at]
      if (begin === undefined) this.#asked[at] = begin = new RepeatedText(askedFields)
      items += `${at === 0 ? '' : ','}${begin.of([role, verb, group, resource, subresource])}${text(namespace)},"name":${text(name)}${
        allowed ? ',"allowed":true}' : ',"allowed":false}'
      }`
    }
    return items
  }
}

/** A tool's texts take some 1.5 KiB, and an estate may have fifty thousand tools. */
const maxTools = 4096

let known = new WeakMap<CatalogTool, ToolTexts>()
let count = 0
/** Their calls are not kept: a method may be cut from a message, all of which would be kept with it. */
const ofOthers = new ToolTexts(0)

/** Those of a tool, for some time, but no longer than its catalogue is there; calls of what no catalogue describes share theirs. */
export function textsOf(tool: CatalogTool | undefined): ToolTexts {
  if (tool === undefined) return ofOthers
  const found = known.get(tool)
  if (found !== undefined) return found
  if (count === maxTools) {
    known = new WeakMap()
    count = 0
  }
  count++
  const made = new ToolTexts()
  known.set(tool, made)
  return made
}

/** @param tool the name without the prefix of an aggregating gateway; undefined: it is called by the name that it has */
export function callParts(call: Call, tool: string | undefined): CallParts {
  const { kind, era, version, via, target } = call
  const name = target.kind === 'none' ? '' : (tool ?? target.name)
  return [methodName(call), kind, era, version, via, target.kind, name]
}

function callFields([method, kind, era, version, via, target, name]: CallParts): string {
  let fields = `,"mcp":{"method":${text(method)},"kind":"${kind}","era":"${era}"`
  if (version !== undefined) fields += `,"protocol_version":${text(version)}`
  if (via !== undefined) fields += `,"via":${text(via)}`
  if (target !== 'none') fields += `,"target":{"kind":"${target}","name":${text(name)}}`
  return fields
}

function policiesField(names: readonly string[]): string {
  return `,"policies":${list(names)}`
}

function askedFields([role, verb, group, resource, subresource]: AskedParts): string {
  return `{"role":"${role}","verb":${text(verb)},"group":${text(group)},"resource":${text(resource)},"subresource":${text(subresource)},"namespace":`
}
