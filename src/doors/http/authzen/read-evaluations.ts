import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../../protocol/json-value.js'
import { defaultJsonLimits, parseStrictJson } from '../../../protocol/strict-json.js'

/** `options.evaluations_semantic`. */
export const semantics = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const
export type Semantic = (typeof semantics)[number]

/** The four members of an evaluation as they came, with what it inherits; nothing in them has been looked at. */
export interface Tuple {
  readonly subject: JsonValue | undefined
  readonly action: JsonValue | undefined
  readonly resource: JsonValue | undefined
  readonly context: JsonValue | undefined
}

export type Evaluations =
  | { readonly ok: true; readonly many: false; readonly tuple: Tuple }
  | { readonly ok: true; readonly many: true; readonly tuples: readonly Tuple[]; readonly semantic: Semantic }
  | { readonly ok: false; readonly status: 400 | 413; readonly message: string }

export interface EvaluationsLimits {
  readonly maxBytes: number
  readonly maxEvaluations: number
}

/** Params stand four levels deeper here than in their message, whose own limits the decision looks after. */
const maxDepth = defaultJsonLimits.maxDepth + 4
const maxMembers = 2 * defaultJsonLimits.maxMembers

/**
 * Reads the body of a request to either endpoint (AuthZEN Authorization API 1.0, sections "Access Evaluation API" and
 * "Access Evaluations API"). A member of an evaluation replaces the default as a whole: nothing of one subject can end up
 * beside another one's name. Members that the specification does not know are left alone.
 */
export function readEvaluations(
  bytes: Uint8Array,
  endpoint: 'evaluation' | 'evaluations',
  limits: EvaluationsLimits,
): Evaluations {
  const json = parseStrictJson(bytes, { maxBytes: limits.maxBytes, maxDepth, maxMembers })
  if (!json.ok) return { ok: false, status: json.reason === 'message.too_large' ? 413 : 400, message: json.message }
  const root = json.value
  if (!isJsonObject(root)) return refuse('The body must be one JSON object.')
  const list = root.get('evaluations')
  if (endpoint === 'evaluation') {
    if (list !== undefined) return refuse('Several evaluations go to /access/v1/evaluations.')
    return { ok: true, many: false, tuple: tupleOf(root, none) }
  }
  const semantic = readSemantic(root.get('options'))
  if (semantic === undefined) {
    return refuse(`options must be an object, and options.evaluations_semantic one of ${semantics.join(', ')}.`)
  }
  if (list === undefined || (isJsonArray(list) && list.length === 0)) {
    return { ok: true, many: false, tuple: tupleOf(root, none) }
  }
  if (!isJsonArray(list)) return refuse('The member evaluations must be an array.')
  if (list.length > limits.maxEvaluations) {
    const message = `A request has at most ${limits.maxEvaluations} evaluations; send fewer at once.`
    return { ok: false, status: 413, message }
  }
  const defaults = tupleOf(root, none)
  const tuples: Tuple[] = []
  for (const one of list) {
    if (!isJsonObject(one)) return refuse('Each of the evaluations must be an object.')
    tuples.push(tupleOf(one, defaults))
  }
  return { ok: true, many: true, tuples, semantic }
}

const none: Tuple = { subject: undefined, action: undefined, resource: undefined, context: undefined }

function tupleOf(object: JsonObject, defaults: Tuple): Tuple {
  // What is there counts, also where it is null: that is a mistake to be told, not a wish for the default.
  const pick = (name: keyof Tuple) => (object.has(name) ? object.get(name) : defaults[name])
  return { subject: pick('subject'), action: pick('action'), resource: pick('resource'), context: pick('context') }
}

function readSemantic(options: JsonValue | undefined): Semantic | undefined {
  if (options === undefined) return 'execute_all'
  if (!isJsonObject(options)) return undefined
  const stated = options.get('evaluations_semantic')
  return stated === undefined ? 'execute_all' : semantics.find(one => one === stated)
}

function refuse(message: string): Evaluations {
  return { ok: false, status: 400, message }
}
