import { didYouMean } from '../../../documents/did-you-mean.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../../protocol/json-value.js'
import { parseStrictJson } from '../../../protocol/strict-json.js'
import { writeJson } from '../write-json.js'

/** A request that is to be judged, and never sent. */
export interface ExplainRequest {
  /** undefined: the only one. */
  readonly server: string | undefined
  readonly asked:
    | { readonly kind: 'tool'; readonly tool: string; readonly args: string }
    | { readonly kind: 'method'; readonly method: string; readonly params: string | undefined }
  /** undefined: a request without a token. */
  readonly as:
    | {
        readonly user: string
        readonly groups: readonly string[]
        readonly scopes: readonly string[]
        readonly agent?: { readonly issuer: string; readonly id: string }
        readonly tenant?: string
        readonly claims?: JsonObject
      }
    | undefined
  readonly headers: readonly (readonly [name: string, value: string])[]
}

export type ReadExplainRequest =
  | { readonly ok: true; readonly request: ExplainRequest }
  | { readonly ok: false; readonly message: string }

const fields = [
  'server',
  'tool',
  'args',
  'method',
  'params',
  'as',
  'groups',
  'agent',
  'scopes',
  'tenant',
  'claims',
  'headers',
]
const aboutCaller = ['groups', 'agent', 'scopes', 'tenant', 'claims'] as const
const maxListed = 1000
const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/

class Refusal {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** Reads the body of `POST /explain`: the flags of the command `explain`, as members of an object. */
export function readExplainRequest(bytes: Uint8Array): ReadExplainRequest {
  const parsed = parseStrictJson(bytes)
  if (!parsed.ok) return { ok: false, message: `the body is not JSON: ${parsed.message}` }
  if (!isJsonObject(parsed.value)) return { ok: false, message: 'the body must be a JSON object' }
  const read = readFields(parsed.value)
  return read instanceof Refusal ? { ok: false, message: read.message } : { ok: true, request: read }
}

function readFields(body: JsonObject): ExplainRequest | Refusal {
  const unknown = [...body.keys()].find(key => !fields.includes(key))
  if (unknown !== undefined) {
    const meant = didYouMean(unknown.slice(0, 64), fields)
    return new Refusal(
      `the body has a member that is not known; ${meant ? `did you mean ${meant}?` : `there are ${fields.join(', ')}`}`,
    )
  }
  const asked = readAsked(body)
  if (asked instanceof Refusal) return asked
  const as = readCaller(body)
  if (as instanceof Refusal) return as
  const headers = readHeaders(body.get('headers'))
  if (headers instanceof Refusal) return headers
  const server = optionalText(body, 'server')
  return server instanceof Refusal ? server : { server, asked, as, headers }
}

function readAsked(body: JsonObject): ExplainRequest['asked'] | Refusal {
  const tool = optionalText(body, 'tool')
  const method = optionalText(body, 'method')
  if (tool instanceof Refusal) return tool
  if (method instanceof Refusal) return method
  if ((tool === undefined) === (method === undefined)) return new Refusal('give one of tool and method')
  const args = optionalObject(body, 'args')
  const params = optionalObject(body, 'params')
  if (args instanceof Refusal) return args
  if (params instanceof Refusal) return params
  if (tool !== undefined) {
    if (params !== undefined) return new Refusal('params go with method; a tool has args')
    return { kind: 'tool', tool, args: args === undefined ? '{}' : writeJson(args) }
  }
  if (args !== undefined) return new Refusal('args go with tool; a method has params')
  return { kind: 'method', method: method ?? '', params: params && writeJson(params) }
}

function readCaller(body: JsonObject): ExplainRequest['as'] | Refusal {
  const user = optionalText(body, 'as')
  if (user instanceof Refusal) return user
  if (user === undefined) {
    const idle = aboutCaller.find(name => body.has(name))
    return idle === undefined ? undefined : new Refusal(`${idle} needs as: whose is it?`)
  }
  const groups = texts(body, 'groups')
  const scopes = texts(body, 'scopes')
  const agent = optionalText(body, 'agent')
  const tenant = optionalText(body, 'tenant')
  const claims = optionalObject(body, 'claims')
  if (groups instanceof Refusal) return groups
  if (scopes instanceof Refusal) return scopes
  if (agent instanceof Refusal) return agent
  if (tenant instanceof Refusal) return tenant
  if (claims instanceof Refusal) return claims
  const colon = agent?.indexOf(':') ?? 0
  if (agent !== undefined && (colon < 1 || colon === agent.length - 1))
    return new Refusal('agent is ALIAS:ID, the alias of its issuer and its id')
  return {
    ...{ user, groups, scopes },
    ...(agent !== undefined && { agent: { issuer: agent.slice(0, colon), id: agent.slice(colon + 1) } }),
    ...(tenant !== undefined && { tenant }),
    ...(claims !== undefined && { claims }),
  }
}

function readHeaders(value: JsonValue | undefined): ExplainRequest['headers'] | Refusal {
  if (value === undefined) return []
  const refused = new Refusal('headers is an object of texts by header name')
  if (!isJsonObject(value) || value.size > 100) return refused
  const headers: [string, string][] = []
  for (const [key, text] of value) {
    const name = key.toLowerCase()
    if (typeof text !== 'string' || !headerName.test(name) || /[\0\r\n]/.test(text)) return refused
    headers.push([name, text])
  }
  return headers
}

function optionalText(body: JsonObject, name: string): string | undefined | Refusal {
  const value = body.get(name)
  if (value === undefined) return undefined
  return typeof value === 'string' && value !== '' && value.length <= 4096
    ? value
    : new Refusal(`${name} is a text of 1 to 4096 characters`)
}

function optionalObject(body: JsonObject, name: string): JsonObject | undefined | Refusal {
  const value = body.get(name)
  return value === undefined || isJsonObject(value) ? value : new Refusal(`${name} is an object`)
}

function texts(body: JsonObject, name: string): readonly string[] | Refusal {
  const value = body.get(name)
  if (value === undefined) return []
  const read = isJsonArray(value) ? value.filter(one => typeof one === 'string') : []
  return isJsonArray(value) && read.length === value.length && read.length <= maxListed
    ? read
    : new Refusal(`${name} is a list of texts`)
}
