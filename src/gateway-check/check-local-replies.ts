import type { CheckContext } from './check-context.js'
import { type ConfigNode, mappings } from './config-node.js'
import { textOf } from './read-scalar.js'

/** The flag of answers of ext_authz, in `response_flag_filter`. */
const extAuthzFlag = 'UAEX'
/**
 * An expression that holds for nothing but failures of ext_proc, whose details begin so; the answers of mcp-authz have
 * others. What is joined to it by anything but && may hold for more.
 */
const onlyFailures = /^response\.code_details\.startsWith\((?:'ext_proc_error'|"ext_proc_error")\)(?: && [^|?]*)?$/

/** `local_reply_config` must not touch what mcp-authz answers. */
export function checkLocalReplies(manager: ConfigNode, { findings }: CheckContext): void {
  const config = manager.field('local_reply_config')
  if (config === undefined) return
  const format = config.field('body_format')
  if (format !== undefined) findings.add('envoy.local_reply', format, 'body_format of every local reply')
  for (const mapper of config.list('mappers')) {
    const rewrites = ['body', 'body_format_override', 'status_code'].some(name => mapper.field(name) !== undefined)
    if (rewrites && !sparesDenials(mapper.field('filter')))
      findings.add('envoy.local_reply', mapper, 'a mapper of local_reply_config')
  }
}

/** Whether the filter of a mapper looks at what every answer of mcp-authz leaves, or only at other flags. */
function sparesDenials(filter: ConfigNode | undefined): boolean {
  if (filter === undefined) return false
  const parts = [filter, ...(filter.field('and_filter')?.list('filters') ?? [])]
  return parts.some(part => {
    const flags = part.field('response_flag_filter')?.list('flags') ?? []
    if (flags.length > 0 && flags.every(flag => textOf(flag) !== extAuthzFlag)) return true
    const expression = part.deep('extension_filter', 'typed_config', 'expression')
    if (onlyFailures.test(textOf(expression))) return true
    const metadata = part.field('metadata_filter')
    if (metadata === undefined) return false
    return [...mappings(metadata)].some(mapping => textOf(mapping.field('filter')).includes('ext_authz'))
  })
}
