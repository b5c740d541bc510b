import type { JsonObject } from './json-value.js'
import type { RequestHeaders } from './request-headers.js'

/** Which gateway asks. It decides how the completeness of a body is proven, never whether it must be. */
export type GatewayProfile = 'envoy' | 'agentgateway'
export const gatewayProfiles: readonly GatewayProfile[] = ['envoy', 'agentgateway']

/** How far the peer of a listener is known: an unauthenticated one may ask, but nothing it claims for others counts. */
export type ListenerTrust = 'none' | 'mtls' | 'network' | 'unix'

export type RequestBody =
  /** Every byte that the server will get, proven by the rules of the gateway's profile. */
  | { readonly state: 'complete'; readonly bytes: Uint8Array }
  /** The gateway sent a part, or cannot prove that it sent all. `detail` is for the operator, without request data. */
  | { readonly state: 'incomplete'; readonly detail: string }
  /** No body reached us. Whether the request has one is unknown: see RFC 9110, section 6.4, and upgrades. */
  | { readonly state: 'absent' }

/** One HTTP request as the gateway saw it, free of the protocol in which the gateway told us. */
export interface InboundRequest {
  /** As received; HTTP methods are case-sensitive. */
  readonly method: string
  readonly scheme: string
  /** Host with the port if one was given, as received. */
  readonly authority: string
  /** Raw, up to and without the first "?"; never decoded, never run through a URL parser. */
  readonly path: string
  /** Raw, behind the first "?"; undefined when there is none. */
  readonly query: string | undefined
  readonly headers: RequestHeaders
  readonly body: RequestBody
  readonly peer: {
    /** Address of the gateway's client as the gateway saw the connection; "" when unknown. Never taken from headers. */
    readonly address: string
    /** mTLS principal of the gateway's client (URI SAN first), "" without mTLS. */
    readonly principal: string
    /** PEM of that client's certificate, as the gateway saw it on the connection; never taken from headers. */
    readonly certificate?: string
    /** SHA-256 of it in DER, base64url (RFC 8705, `x5t#S256`), where the gateway tells that instead; of the same worth. */
    readonly certificateThumbprint?: string
  }
  readonly context: {
    /** Set by the operator per route, not by clients (Envoy context_extensions). */
    readonly extensions: ReadonlyMap<string, string>
    /** Route metadata by namespace. */
    readonly routeMetadata: ReadonlyMap<string, JsonObject>
    /** Dynamic metadata of filters before us by namespace, e.g. `envoy.filters.http.jwt_authn`. */
    readonly filterMetadata: ReadonlyMap<string, JsonObject>
  }
  /** The session id is one that was given to this caller: who hands it on has checked that. Default: nobody has. */
  readonly session?: 'bound'
  /** W3C `traceparent` of the request, if it came with one valid value. */
  readonly traceparent: string | undefined
  /** Milliseconds since the epoch at which the gateway stops waiting; undefined when it did not say. */
  readonly deadline: number | undefined
  readonly listener: {
    readonly name: string
    readonly door: string
    readonly profile: GatewayProfile
    readonly trust: ListenerTrust
    /** The body limit of the gateway, where its routes cannot tell it. Bytes. */
    readonly gatewayBodyBytes?: number
  }
}
