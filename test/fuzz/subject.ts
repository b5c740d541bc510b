import { readCheckRequest } from '../../src/doors/ext-authz/read-check-request.js'
import { writeCheckResponse } from '../../src/doors/ext-authz/write-check-response.js'
import { isJsonContentType, parseContentType } from '../../src/protocol/content-type.js'
import { checkFraming } from '../../src/protocol/framing.js'
import { readCalls } from '../../src/protocol/mcp/classify.js'
import { decodeNameHeader } from '../../src/protocol/mcp/name-header.js'
import { refuseUri } from '../../src/protocol/mcp/resource-uri.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'

/** What is put to the test. A wrong one in place of ours shows that an oracle can tell. */
export interface Subject {
  readonly parseStrictJson: typeof parseStrictJson
  readonly readCalls: typeof readCalls
  readonly checkFraming: typeof checkFraming
  readonly parseContentType: typeof parseContentType
  readonly isJsonContentType: typeof isJsonContentType
  readonly decodeNameHeader: typeof decodeNameHeader
  readonly refuseUri: typeof refuseUri
  readonly readCheckRequest: typeof readCheckRequest
  readonly writeCheckResponse: typeof writeCheckResponse
}

export const ours: Subject = {
  parseStrictJson,
  readCalls,
  checkFraming,
  parseContentType,
  isJsonContentType,
  decodeNameHeader,
  refuseUri,
  readCheckRequest,
  writeCheckResponse,
}
