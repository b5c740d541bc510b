import type { ApiRequest, ApiResponse, ApiServer } from '../kube/api-server.js'
import type { Freshness } from '../kube/watched-collection.js'
import type { JsonObject, JsonValue } from '../protocol/json-value.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1'

export const server = `${head}
kind: Server
metadata: { name: files }
spec: { resource: "https://files.example.com/mcp" }
`

/** A Guardrail with one validation. */
export function guardrail(name: string, expression: string): string {
  return `${head}
kind: Guardrail
metadata: { name: ${name} }
spec:
  match: { servers: [files] }
  validations:
  - expression: ${JSON.stringify(expression)}
`
}

export interface FakeConfigMap {
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
  readonly created?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** A collection of ConfigMaps in the namespace `policies`, as a watch would keep it. */
export class FakeConfigMaps {
  readonly objects = new Map<string, JsonObject>()
  generation = 0
  state: Freshness = { synced: true, staleForMs: 0, problem: '' }
  #version = 100

  freshness(): Freshness {
    return this.state
  }

  put(name: string, { data, binaryData, created = '2026-01-01T00:00:00Z', annotations }: FakeConfigMap): void {
    this.generation++
    const known = this.objects.get(`policies/${name}`)?.get('metadata')
    const uid = known instanceof Map ? known.get('uid') : `uid-${name}-${this.generation}`
    const metadata = new Map<string, JsonValue>([
      ...Object.entries({ name, namespace: 'policies', creationTimestamp: created }),
      ['uid', typeof uid === 'string' ? uid : ''],
      ['resourceVersion', String(++this.#version)],
    ])
    if (annotations !== undefined) metadata.set('annotations', new Map(Object.entries(annotations)))
    const object = new Map<string, JsonValue>([['metadata', metadata]])
    if (data !== undefined) object.set('data', new Map(Object.entries(data)))
    if (binaryData !== undefined) object.set('binaryData', new Map(Object.entries(binaryData)))
    this.objects.set(`policies/${name}`, object)
  }

  delete(name: string): void {
    this.generation++
    this.objects.delete(`policies/${name}`)
  }
}

/** An API server that answers what it is told to, and remembers what it was asked. */
export class FakeApiServer implements ApiServer {
  readonly cluster = 'local'
  readonly requests: ApiRequest[] = []
  answer: (request: ApiRequest) => ApiResponse = () => ({ ok: true, status: 201, body: new Map() })

  async request(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(request)
    return this.answer(request)
  }

  follow(): never {
    throw new Error('nothing is followed here')
  }

  close(): void {}
}
