import type { Call } from '../call.js'
import { detachedString } from '../detached-string.js'
import { isJsonObject, type JsonObject, type JsonValue } from '../json-value.js'
import type { MessageReason } from '../reasons.js'
import { parseStrictJson } from '../strict-json.js'
import { readArguments } from './targets.js'
import { toolNamePattern } from './tool-name.js'

/** A tool that calls another tool for its caller, such as `call_tool` or `invoke_tool` of aggregating servers. */
export interface MetaTool {
  /** Name of the argument that names the inner tool. */
  readonly name: string
  /** Name of the argument that holds the inner arguments. */
  readonly arguments: string
  /** Whether they are an object, or JSON in a string. */
  readonly encoding: 'object' | 'json'
  /** Further arguments that change nothing about which tool is called with what. */
  readonly others: ReadonlySet<string>
}

export type InnerCall =
  | { readonly ok: true; readonly call: Call }
  | { readonly ok: false; readonly reason: MessageReason; readonly message: string }

/**
 * The call that a call of a meta-tool amounts to: the same message, with the inner tool as its target and the inner
 * arguments as its own. An argument that is not expected is refused, because nobody knows what it changes. Never throws.
 *
 * @param outer a tools/call
 */
export function readInnerCall(outer: Call, meta: MetaTool): InnerCall {
  const args: JsonObject = outer.arguments ?? new Map()
  for (const key of args.keys()) {
    if (key === meta.name || key === meta.arguments || meta.others.has(key)) continue
    return refuse(`This tool calls another one; it takes ${meta.name} and ${meta.arguments} and nothing else.`)
  }
  const name = args.get(meta.name)
  if (typeof name !== 'string' || !toolNamePattern.test(name)) {
    return refuse(`The argument ${meta.name} must be the exact name of a tool.`)
  }
  const inner = innerArguments(args.get(meta.arguments), meta)
  if (!inner.ok) return inner
  return {
    ok: true,
    call: {
      ...outer,
      target: { kind: 'tool', name: detachedString(name) },
      params: innerParams(outer.params, name, inner.arguments),
      arguments: inner.arguments,
      via: outer.target.kind === 'tool' ? outer.target.name : undefined,
    },
  }
}

/** As if the inner tool had been called by itself: policies may look into them, too. */
function innerParams(outer: JsonObject | undefined, name: string, args: JsonObject | undefined): JsonObject {
  const params = new Map([...(outer ?? []), ['name', name]] as const)
  if (args === undefined) params.delete('arguments')
  else params.set('arguments', args)
  return params
}

type InnerArguments =
  | { readonly ok: true; readonly arguments: JsonObject | undefined }
  | { readonly ok: false; readonly reason: MessageReason; readonly message: string }

function innerArguments(value: JsonValue | undefined, meta: MetaTool): InnerArguments {
  if (value === undefined) return { ok: true, arguments: undefined }
  if (meta.encoding === 'object') {
    return isJsonObject(value)
      ? readArguments(new Map([['arguments', value]]))
      : refuse(`The argument ${meta.arguments} must be an object.`)
  }
  if (typeof value !== 'string') return refuse(`The argument ${meta.arguments} must be a string that holds JSON.`)
  const json = parseStrictJson(Buffer.from(value, 'utf8'))
  if (!json.ok) return { ok: false, reason: json.reason, message: `In the argument ${meta.arguments}: ${json.message}` }
  return isJsonObject(json.value)
    ? readArguments(new Map([['arguments', json.value]]))
    : refuse(`The argument ${meta.arguments} must hold a JSON object.`)
}

function refuse(message: string): { readonly ok: false; readonly reason: MessageReason; readonly message: string } {
  return { ok: false, reason: 'message.params', message }
}
