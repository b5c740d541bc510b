import type { ApiFailure } from './api-server.js'

/** What a request was for, so far as numbers tell it apart. */
export type RequestKind = 'sar' | 'tokenReview' | 'read' | 'write' | 'watch'

export type RequestOutcome = 'ok' | ApiFailure['reason']

/** For the log and for counters. Nothing in it is secret, and every label has few values. */
export type ApiServerEvent =
  /** One request, or one opening of a watch, is answered. `attempts` is 0 if nothing was sent. */
  | {
      readonly type: 'answered'
      readonly kind: RequestKind
      readonly outcome: RequestOutcome
      readonly durationMs: number
      readonly attempts: number
    }
  | { readonly type: 'connected'; readonly purpose: 'requests' | 'watches' }
  /** A connection could not be made. */
  | { readonly type: 'connectFailed'; readonly purpose: 'requests' | 'watches'; readonly message: string }
  /** A connection that stood has ended; `message` says why. */
  | { readonly type: 'disconnected'; readonly purpose: 'requests' | 'watches'; readonly message: string }
  /** The credentials cannot be read or renewed; "" when they can again. */
  | { readonly type: 'credentials'; readonly message: string }
  /** Something in a kubeconfig that the operator should know of. */
  | { readonly type: 'warning'; readonly message: string }

export function requestKind(method: string, path: string): RequestKind {
  const question = path.indexOf('?')
  const bare = question < 0 ? path : path.slice(0, question)
  if (method === 'GET') return 'read'
  if (bare.endsWith('subjectaccessreviews') || bare.endsWith('subjectrulesreviews')) return 'sar'
  return bare.endsWith('/tokenreviews') ? 'tokenReview' : 'write'
}
