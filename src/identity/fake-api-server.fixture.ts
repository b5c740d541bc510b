import type { ApiFailure, ApiRequest, ApiResponse, ApiServer } from '../kube/api-server.js'
import { isJsonArray, isJsonObject, type JsonValue } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { SigningKey } from './identity.fixture.js'

export function jsonOf(value: unknown): JsonValue {
  const parsed = parseStrictJson(Buffer.from(JSON.stringify(value)))
  if (!parsed.ok) throw new Error('the fixture is not JSON')
  return parsed.value
}

export interface AskedReview {
  readonly token: string
  readonly audiences: readonly string[]
}

/** The keys and reviews of a cluster, from memory. */
export class FakeApiServer implements ApiServer {
  readonly cluster = 'local'
  readonly requests: ApiRequest[] = []
  readonly reviews: AskedReview[] = []
  keys: readonly SigningKey[]
  /** Gives `status` of the answer, or fails. */
  answer: (asked: AskedReview) => unknown
  failure: ApiFailure | undefined
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve()

  constructor(keys: readonly SigningKey[], answer: (asked: AskedReview) => unknown) {
    this.keys = keys
    this.answer = answer
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(request)
    if (request.method === 'GET' && request.path === '/openid/v1/jwks')
      return { ok: true, status: 200, body: jsonOf({ keys: this.keys.map(({ publicJwk }) => publicJwk) }) }
    const sent = parseStrictJson(Buffer.from(request.body ?? ''))
    const spec = sent.ok && isJsonObject(sent.value) ? sent.value.get('spec') : undefined
    const token = isJsonObject(spec) ? spec.get('token') : undefined
    const audiences = isJsonObject(spec) ? spec.get('audiences') : undefined
    if (typeof token !== 'string' || !isJsonArray(audiences)) throw new Error('not a TokenReview')
    const asked = { token, audiences: audiences.map(String) }
    this.reviews.push(asked)
    await this.gate
    if (this.failure !== undefined) return this.failure
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status: this.answer(asked) }
    return { ok: true, status: 201, body: jsonOf(review) }
  }

  follow(): never {
    throw new Error('nothing is followed')
  }

  close(): void {}
}
