import type { ApiFailure, ApiRequest, ApiResponse, ApiServer } from '../kube/api-server.js'
import type { Freshness } from '../kube/watched-collection.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { RbacWatch } from './rbac-watch.js'

/** Members of a spec as plain JSON. */
export type SpecSent = Readonly<Record<string, unknown>>

/** What a test lets an API server say: to a spec, its status; or a failure; or any body. */
export type Said = { readonly status: unknown } | { readonly body: unknown } | Omit<ApiFailure, 'ok'>

export interface FakeApi extends ApiServer {
  readonly requests: ApiRequest[]
  readonly specs: SpecSent[]
  /** Answers the oldest question that waits (only with `hold`). */
  release(said?: Said): Promise<void>
}

/** An API server that says what a test wants, at once or when it is told to. */
export function fakeApi(say: (spec: SpecSent) => Said, { hold = false } = {}): FakeApi {
  const requests: ApiRequest[] = []
  const specs: SpecSent[] = []
  const waiting: ((said: Said | undefined) => void)[] = []
  return {
    cluster: 'test',
    requests,
    specs,
    async request(request) {
      const { spec }: { spec: SpecSent } = JSON.parse(request.body ?? '')
      requests.push(request)
      specs.push(spec)
      const told = hold ? await new Promise<Said | undefined>(resolve => waiting.push(resolve)) : undefined
      return responseTo(spec, told ?? say(spec))
    },
    async release(said) {
      waiting.shift()?.(said)
      await settled()
    },
    follow: () => ({ close: () => undefined }),
    close: () => undefined,
  }
}

/** Everything that is under way without a timer has happened. */
export async function settled(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

function responseTo(spec: SpecSent, said: Said): ApiResponse {
  if ('reason' in said) return { ok: false, ...said }
  const kind = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' }
  const parsed = parseStrictJson(
    Buffer.from(JSON.stringify('body' in said ? said.body : { ...kind, metadata: {}, spec, status: said.status })),
  )
  return parsed.ok
    ? { ok: true, status: 201, body: parsed.value }
    : { ok: false, reason: 'malformed', status: 201, message: 'malformed' }
}

export interface FakeWatch extends RbacWatch {
  fresh: Freshness
  change(): void
}

export function fakeWatch(): FakeWatch {
  const listeners: (() => void)[] = []
  return {
    fresh: { synced: true, staleForMs: 0, problem: '' },
    start: () => undefined,
    stop: () => undefined,
    freshness() {
      return this.fresh
    },
    objects: () => [],
    *read() {
      yield
      return []
    },
    version: () => '',
    onChange: listener => void listeners.push(listener),
    change() {
      for (const listener of listeners) listener()
    },
  }
}
