import type { Target } from '../call.js'
import { detachedString } from '../detached-string.js'
import { FoldedKeys, hasFoldedTwins } from '../fold-key.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json-value.js'
import type { MessageReason } from '../reasons.js'
import type { McpMethod } from './method-table.js'
import { refuseUri } from './resource-uri.js'
import { toolNamePattern } from './tool-name.js'

const taskIdPattern = /^[\x21-\x7e]{1,256}$/
const maxSubscriptions = 100

const paramsKeys = new FoldedKeys([
  ...['_meta', 'name', 'arguments', 'uri', 'ref', 'argument', 'context', 'cursor', 'level', 'notifications'],
  ...['task', 'taskId', 'inputResponses', 'requestState', 'requestId', 'progressToken', 'elicitationId'],
  ...['protocolVersion', 'capabilities', 'clientInfo'],
])
const metaKeys = new FoldedKeys([
  ...['progressToken', 'traceparent', 'tracestate', 'baggage'],
  ...['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel', 'related-task', 'subscriptionId'].map(
    name => `io.modelcontextprotocol/${name}`,
  ),
])
const nestedKeys: readonly { readonly member: string; readonly keys: FoldedKeys }[] = [
  { member: '_meta', keys: metaKeys },
  { member: 'ref', keys: new FoldedKeys(['type', 'name', 'uri']) },
  { member: 'argument', keys: new FoldedKeys(['name', 'value']) },
  { member: 'context', keys: new FoldedKeys(['arguments']) },
  {
    member: 'notifications',
    keys: new FoldedKeys([
      ...['toolsListChanged', 'promptsListChanged', 'resourcesListChanged', 'resourceSubscriptions', 'taskIds'],
    ]),
  },
]

export interface ParamsFailure {
  readonly ok: false
  readonly reason: MessageReason
  readonly message: string
}

export type Targets =
  | { readonly ok: true; readonly target: Target; readonly alsoTargets: readonly Target[] }
  | ParamsFailure

const none: Target = { kind: 'none' }

/** Keys that some server would take for a protocol key, and `_meta` that is no object. Undefined when all is well. */
export function refuseParams(params: JsonObject | undefined): ParamsFailure | undefined {
  if (params === undefined) return undefined
  if (paramsKeys.anyMistakable(params.keys())) return foldedKey('params')
  const meta = params.get('_meta')
  if (meta !== undefined && !isJsonObject(meta))
    return refuse('message.params', 'The _meta of params must be an object.')
  for (const { member, keys } of nestedKeys) {
    const value = params.get(member)
    if (isJsonObject(value) && keys.anyMistakable(value.keys())) return foldedKey(member)
  }
  return undefined
}

/** The `arguments` of a tool or prompt: an object without keys that differ only in case, or absent. `null` is neither. */
export function readArguments(
  params: JsonObject | undefined,
): { readonly ok: true; readonly arguments: JsonObject | undefined } | ParamsFailure {
  const value = params?.get('arguments')
  if (value === undefined) return { ok: true, arguments: undefined }
  if (!isJsonObject(value)) {
    return refuse('message.params', 'The arguments must be an object; leave them out if there are none.')
  }
  if (hasFoldedTwins(value)) {
    return refuse('message.folded_key', 'Two arguments differ only in the case of their names; send one of them.')
  }
  return { ok: true, arguments: value }
}

/** What the method touches, by the target field of the method table. */
export function readTargets(method: McpMethod, params: JsonObject | undefined): Targets {
  const field = method.target
  if (field === undefined) return { ok: true, target: none, alsoTargets: [] }
  if (field.kind === 'ref') return readRef(params?.get('ref'))
  if (field.kind === 'subscriptions') return readSubscriptions(params?.get('notifications'))
  return oneTarget(readTarget(field.kind, params?.get(field.field)))
}

function readRef(ref: JsonValue | undefined): Targets {
  if (!isJsonObject(ref)) return refuse('message.params', 'completion/complete needs a ref.')
  const type = ref.get('type')
  if (type === 'ref/prompt' && !ref.has('uri')) return oneTarget(readTarget('prompt', ref.get('name')))
  if (type === 'ref/resource' && !ref.has('name')) return oneTarget(readTarget('resource', ref.get('uri'), 'template'))
  return refuse('message.params', 'The ref must be a ref/prompt with a name or a ref/resource with a uri.')
}

function readSubscriptions(notifications: JsonValue | undefined): Targets {
  if (!isJsonObject(notifications))
    return refuse('message.params', 'subscriptions/listen needs the object notifications.')
  const alsoTargets: Target[] = []
  for (const [key, kind] of [
    ['resourceSubscriptions', 'resource'],
    ['taskIds', 'task'],
  ] as const) {
    const list = notifications.get(key) ?? []
    if (!isJsonArray(list)) return refuse('message.params', `The ${key} must be a list.`)
    if (alsoTargets.length + list.length > maxSubscriptions) {
      return refuse('message.params', `At most ${maxSubscriptions} resources and tasks can be listened to at once.`)
    }
    for (const item of list) {
      const target = readTarget(kind, item)
      if ('ok' in target) return target
      alsoTargets.push(target)
    }
  }
  return { ok: true, target: none, alsoTargets }
}

function readTarget(
  kind: Exclude<Target['kind'], 'none'>,
  value: JsonValue | undefined,
  as: 'uri' | 'template' = 'uri',
): Target | ParamsFailure {
  switch (kind) {
    case 'tool':
    case 'prompt':
      if (typeof value === 'string' && toolNamePattern.test(value)) return { kind, name: detachedString(value) }
      return refuse(
        'message.name',
        `The name of the ${kind} must be 1 to 128 letters, digits, "_", ".", "-" or "/"; use the exact name from ${kind}s/list.`,
      )
    case 'task':
      if (typeof value === 'string' && taskIdPattern.test(value)) return { kind, name: detachedString(value) }
      return refuse('message.name', 'The task id must be 1 to 256 visible ASCII characters.')
    case 'resource': {
      if (typeof value !== 'string') return refuse('message.uri', 'The uri must be a string.')
      const problem = refuseUri(value, as)
      if (problem !== undefined)
        return refuse('message.uri', `The uri is ${problem}; use its canonical form (RFC 3986).`)
      return { kind, name: detachedString(value) }
    }
  }
}

function oneTarget(target: Target | ParamsFailure): Targets {
  return 'ok' in target ? target : { ok: true, target, alsoTargets: [] }
}

function foldedKey(where: string): ParamsFailure {
  return refuse('message.folded_key', `A key of ${where} differs from an MCP key only in case; spell it exactly.`)
}

function refuse(reason: MessageReason, message: string): ParamsFailure {
  return { ok: false, reason, message }
}
