import type { GatewayProfile } from '../../protocol/inbound-request.js'
import type { JsonObject } from '../../protocol/json-value.js'
import { CheckHeaders } from './check-headers.js'

const nothing = Buffer.alloc(0)
const noExtensions: ReadonlyMap<string, string> = new Map()
const noMetadata: ReadonlyMap<string, JsonObject> = new Map()

/** What a CheckRequest says, as far as a decision asks for it, while and after it is read. */
export class CheckParts {
  /** It has attributes.request.http. */
  hasHttp = false
  method = ''
  path = ''
  host = ''
  scheme = ''
  size = 0
  textBody = ''
  /** Not a copy. */
  rawBody: Buffer = nothing
  readonly headers: CheckHeaders
  address = ''
  principal = ''
  certificate = ''
  extensions: ReadonlyMap<string, string> = noExtensions
  routeMetadata: ReadonlyMap<string, JsonObject> = noMetadata
  filterMetadata: ReadonlyMap<string, JsonObject> = noMetadata
  /** Metadata that is too large, too deep or not JSON. */
  oddMetadata = false

  constructor(bytes: Buffer, profile: GatewayProfile) {
    this.headers = new CheckHeaders(bytes, profile)
  }
}
