import type { JsonValue } from '../../protocol/json-value.js'

/** As much of the client of an API server as is needed to write objects; see kube/api-server.ts. */
export interface ObjectStore {
  /** Never rejects. */
  request(request: StoreRequest): Promise<StoreAnswer>
}

export interface StoreRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: string
  readonly contentType?: string
  readonly accept?: string
  readonly repeatable?: boolean
  readonly maxBytes?: number
}

export type StoreAnswer =
  | { readonly ok: true; readonly status: number; readonly body: JsonValue }
  | {
      readonly ok: false
      readonly reason: 'refused' | 'throttled' | 'overloaded' | 'timeout' | 'unavailable' | 'malformed'
      readonly status: number | undefined
      /** For the log. */
      readonly message: string
      readonly retryAfterMs?: number
    }

export type StoreFailure = Extract<StoreAnswer, { readonly ok: false }>

/** Whether asking again later may help. */
export function mayHelpLater({ reason, status }: StoreFailure): boolean {
  return reason !== 'malformed' && (reason !== 'refused' || status === 408)
}
