import { isJsonObject, type JsonObject, type JsonValue } from '../../../protocol/json-value.js'
import { parseStrictJson } from '../../../protocol/strict-json.js'
import type { Refused } from './refused.js'

export interface SubjectRules {
  /** Whether the asker is a gateway whose word counts. */
  readonly trusted: boolean
  /** Which claim `subject.id` must equal. */
  readonly claim: string
}

export interface Subject {
  readonly ok: true
  /** Value of the header Authorization, as the caller would have sent it; undefined without a token. */
  readonly authorization: string | undefined
  /** What a gateway that is known verified, as the metadata of its JWT filter would hold it. */
  readonly asserted: JsonObject | undefined
}

const maxId = 2048
const maxToken = 32 * 1024
const schemes = ['Bearer', 'DPoP'] as const
const tokenPattern = /^[\x21-\x7e]+$/

/**
 * Who the evaluation is about. A name proves nothing: `properties.access_token` is the caller's token, which is verified
 * like that of any request, or, from a gateway that is known, `properties.claims` and `properties.token_header` are what
 * the gateway has verified. `id` must be the subject of either; without either, somebody without a token is asked about.
 *
 * COAZ-MCP has no place for the token, because there the gateway verifies it. It stands with the subject, so that defaults
 * and evaluations cannot pair one caller's name with another's token.
 */
export function readSubject(subject: JsonValue | undefined, rules: SubjectRules): Subject | Refused {
  if (!isJsonObject(subject)) return shape('The member subject must be an object.')
  const [type, id] = [subject.get('type'), subject.get('id')]
  if (!isName(type) || !isName(id)) return shape('subject.type and subject.id must be strings that are not empty.')
  const properties = subject.get('properties') ?? none
  if (!isJsonObject(properties)) return shape('subject.properties must be an object.')

  const token = readToken(properties)
  if (!token.ok) return token
  const claims = properties.get('claims')
  const header = properties.get('token_header')
  if (claims !== undefined && !isJsonObject(claims)) return shape('subject.properties.claims must be an object.')
  if (header !== undefined && !isJsonObject(header)) return shape('subject.properties.token_header must be an object.')
  if ((claims !== undefined || header !== undefined) && !rules.trusted) {
    const message =
      'The gateway that asks is not one whose word on callers counts (listener trust is none); send the access token.'
    return { ok: false, reason: 'identity.gateway_untrusted', message }
  }
  for (const known of [claims, token.payload]) {
    if (known === undefined || known.get(rules.claim) === id) continue
    const message = `subject.id is not the ${rules.claim} of the token; name the caller whose token it is.`
    return { ok: false, reason: 'identity.source_conflict', message }
  }
  const asserted =
    claims === undefined
      ? undefined
      : new Map<string, JsonValue>([
          ['payload', claims],
          ...(header === undefined ? [] : [['header', header] as const]),
        ])
  return { ok: true, authorization: token.authorization, asserted }
}

const none: JsonObject = new Map()

interface Token {
  readonly ok: true
  readonly authorization: string | undefined
  /** What it says; **not verified**: good for finding contradictions, for nothing else. */
  readonly payload: JsonObject | undefined
}

function readToken(properties: JsonObject): Token | Refused {
  const token = properties.get('access_token')
  const stated = properties.get('token_type')
  if (token === undefined) return { ok: true, authorization: undefined, payload: undefined }
  if (typeof token !== 'string' || token.length > maxToken || !tokenPattern.test(token))
    return shape('subject.properties.access_token must be a token: visible ASCII, at most 32 KiB.')
  const scheme = stated === undefined ? 'Bearer' : schemes.find(one => one === stated)
  if (scheme === undefined) return shape(`subject.properties.token_type must be one of ${schemes.join(', ')}.`)
  return { ok: true, authorization: `${scheme} ${token}`, payload: payloadOf(token) }
}

/** Undefined for what is no JWT: the verification, which comes after, has its own words for that. */
function payloadOf(token: string): JsonObject | undefined {
  const [, payload, signature, ...more] = token.split('.', 4)
  if (payload === undefined || signature === undefined || more.length > 0) return undefined
  const json = parseStrictJson(Buffer.from(payload, 'base64url'), { maxBytes: maxToken })
  return json.ok && isJsonObject(json.value) ? json.value : undefined
}

function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxId
}

function shape(message: string): Refused {
  return { ok: false, reason: undefined, message }
}
