import type { CheckContext } from './check-context.js'
import type { ConfigNode } from './config-node.js'
import type { HttpFilter } from './http-filters.js'
import { reportUnknownFields } from './known-fields.js'
import { isFalse, isTrue, numberOf, shown } from './read-scalar.js'
import { types } from './typed-config.js'

/** Room for headers and metadata beside the body in one question. */
const beside = 256 * 1024

/** `with_request_body`, of the filter or of a route. */
export function checkBufferSettings(body: ConfigNode, { findings, maxMessageBytes }: CheckContext): void {
  reportUnknownFields(body, 'BufferSettings', findings)
  const partial = body.field('allow_partial_message')
  if (partial !== undefined && !isFalse(partial))
    findings.add('envoy.allow_partial_message', partial, `allow_partial_message is ${shown(partial)}`)
  const bytes = body.field('pack_as_bytes')
  if (!isTrue(bytes)) findings.add('envoy.pack_as_bytes', bytes ?? body, `pack_as_bytes is ${shown(bytes)}`)
  const max = body.field('max_request_bytes')
  const limit = numberOf(max)
  if (max === undefined || limit === undefined || limit === 0)
    findings.add('envoy.max_request_bytes', max ?? body, `max_request_bytes is ${shown(max)}`)
  else if (limit + beside > maxMessageBytes)
    findings.add(
      'envoy.max_request_bytes_too_large',
      max,
      `max_request_bytes is ${limit}, and maxMessageBytes of mcp-authz is ${maxMessageBytes}`,
    )
}

/**
 * The body_size_limit filter must stand before ext_authz and be no larger: ext_authz alone checks a part of an HTTP/2
 * body whose last frame crosses its limit. Returns the limit that is in force, in bytes.
 */
export function checkBodySizeLimit(
  filters: readonly HttpFilter[],
  extAuthz: HttpFilter,
  { findings }: CheckContext,
): number | undefined {
  const at = filters.findIndex(({ type }) => type === types.bodySizeLimit)
  const filter = filters[at]
  if (filter === undefined) {
    findings.add('envoy.body_size_limit', extAuthz.node, 'no body_size_limit filter before ext_authz')
    return undefined
  }
  if (at > filters.indexOf(extAuthz)) {
    findings.add('envoy.body_size_limit', filter.node, 'the body_size_limit filter stands after ext_authz')
    return undefined
  }
  const node = filter.config.field('max_request_bytes')
  const limit = numberOf(node)
  const read = numberOf(extAuthz.config.deep('with_request_body', 'max_request_bytes'))
  if (limit === undefined)
    findings.add('envoy.body_size_limit', node ?? filter.config, `max_request_bytes is ${shown(node)}`)
  else if (read !== undefined && limit > read)
    findings.add(
      'envoy.body_size_limit',
      node ?? filter.config,
      `max_request_bytes is ${limit}, and ext_authz reads ${read}`,
    )
  return limit
}
