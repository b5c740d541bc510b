/** Reason codes of the stages that read the request. Closed; a code is never reused for something else. */
export type FramingReason =
  | 'framing.http_method'
  | 'framing.path_ambiguous'
  | 'framing.authority_ambiguous'
  | 'framing.header_repeated'
  | 'framing.header_invalid'
  | 'framing.headers_too_large'
  | 'framing.upgrade'
  | 'framing.body_missing'
  | 'framing.body_incomplete'
  | 'framing.body_unexpected'
  | 'framing.content_type'
  | 'framing.content_encoding'
  | 'framing.token_in_query'

export type MessageReason =
  | 'message.too_large'
  | 'message.encoding'
  | 'message.not_json'
  | 'message.too_deep'
  | 'message.too_many_members'
  | 'message.duplicate_key'
  | 'message.folded_key'
  | 'message.forbidden_key'
  | 'message.number_range'
  | 'message.not_jsonrpc'
  | 'message.batch'
  | 'message.id'
  | 'message.params'
  | 'message.name'
  | 'message.uri'
  | 'message.era'
  | 'message.header_mismatch'
  | 'message.argument'
  | 'message.manifest'

export type MethodReason = 'method.unknown' | 'method.direction' | 'method.era' | 'method.not_enabled'

export type SessionReason =
  | 'session.malformed'
  | 'session.missing'
  | 'session.unexpected'
  | 'session.unknown'
  | 'session.foreign'

export type ProtocolReason = FramingReason | MessageReason | MethodReason | SessionReason
