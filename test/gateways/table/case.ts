import type { ReasonCode } from '../../../src/decision/reason-codes.js'
import type { Who } from './people.js'

/** allow; a document of ours in answer; or the reason of the denial. */
export type Expected = 'allow' | 'respond' | ReasonCode

/** Ways to ask, beside the profiles that ask over ext_authz. */
export type DoorName = 'ext_proc beside ext_authz' | 'ext_proc alone' | 'ExtMcp' | 'AuthZEN' | 'explain'

/** What a way to ask may lack. */
export type Trait = 'text' | 'joined' | 'cuts' | 'agentgateway' | 'binds sessions' | DoorName

export interface GatewayCase {
  readonly name: string
  readonly who: Who
  /** Names the route. Default files. */
  readonly server?: string
  readonly method?: 'POST' | 'GET' | 'DELETE' | 'PUT'
  /** Default: that of the Server. */
  readonly path?: string
  /** As a client writes it; an object is sent as JSON. */
  readonly body?: string | Buffer | object
  /** Beside content-type, accept and what says who asks; names that they repeat take the place of those. */
  readonly headers?: readonly (readonly [string, string])[]
  /** Largest body that the gateway shows. */
  readonly max?: number
  readonly expected: Expected
  /** Another outcome where the way to ask has this trait, with why that is right. The first that applies counts. */
  readonly instead?: readonly (readonly [trait: Trait, outcome: Expected, why: string])[]
  /** Ways to ask that cannot say it at all, with why. */
  readonly cannot?: Partial<Readonly<Record<DoorName, string>>>
  /** Gateways that refuse it without asking do right as well. */
  readonly gatewayRefuses?: true
  /** What Audit would have denied. */
  readonly would?: readonly ReasonCode[]
  /** What the server must get under these names; undefined for nothing. */
  readonly serverGets?: Readonly<Record<string, string | undefined>>
}
