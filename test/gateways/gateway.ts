/** An HTTP request as a client sends it; names in any case, each character of a value one byte (latin-1). */
export interface GatewayRequest {
  readonly method: string
  readonly authority: string
  /** Raw path with the raw query. */
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer | undefined
}

/** What becomes of a request behind a gateway. */
export type GatewayOutcome =
  | { readonly to: 'server'; readonly target: string; readonly headers: ReadonlyMap<string, readonly string[]> }
  | {
      readonly to: 'client'
      readonly status: number
      readonly headers: readonly (readonly [name: string, value: string])[]
      readonly body: string
    }

export interface AppliedAnswer {
  readonly outcome: GatewayOutcome
  /** What rules and logs of the gateway see of our metadata. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** A gateway that asks over ext_authz: builds requests and applies answers exactly as the real one does. */
export interface AskingGateway {
  /** undefined: the gateway refuses the request by itself, and nobody is asked. */
  check(request: GatewayRequest): Buffer | undefined
  apply(request: GatewayRequest, answer: Uint8Array): AppliedAnswer
}

/** Headers by lower-case name, as a gateway holds them. */
export function headerMap({ headers }: GatewayRequest): Map<string, string[]> {
  const map = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    map.set(key, [...(map.get(key) ?? []), value])
  }
  return map
}
