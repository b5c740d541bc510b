import { type ConfigNode, mappings } from './config-node.js'
import type { Findings } from './findings.js'
import { isFalse, textOf } from './read-scalar.js'
import { filterKind, type TypedConfig, typedConfig, types } from './typed-config.js'

/** One entry of `http_filters`. */
export interface HttpFilter {
  readonly name: string
  readonly node: ConfigNode
  /** Full name of the message, "" where the filter comes from elsewhere. */
  readonly type: string
  /** `ext_authz`, `lua`, …, or the full name of what is no HTTP filter of Envoy. */
  readonly kind: string
  readonly config: ConfigNode
  /** false where the configuration comes from elsewhere. */
  readonly shown: boolean
}

const wrappers = new Set(['composite', 'filter_chain', 'envoy.extensions.common.matching.v3.ExtensionWithMatcher'])

/** The entries of `http_filters`; what decides whether the check runs at all is reported. */
export function readHttpFilters(manager: ConfigNode, findings: Findings): readonly HttpFilter[] {
  return manager.list('http_filters').map(node => {
    const name = textOf(node.field('name'))
    const discovery = node.field('config_discovery')
    const any = node.field('typed_config') ?? discovery?.field('default_config')
    const outer = any === undefined ? undefined : typedConfig(any)
    const typeUrls = discovery?.list('type_urls').map(url => textOf(url)) ?? []
    if (discovery !== undefined) findings.add('envoy.not_checked', discovery, `the configuration of the filter ${name}`)
    const type = outer?.type ?? (typeUrls.some(url => url.endsWith(`/${types.extAuthz}`)) ? types.extAuthz : '')
    const wrapped = outer !== undefined && wrappers.has(filterKind(type)) ? innerExtAuthz(outer.config) : undefined
    const filter: HttpFilter =
      wrapped === undefined
        ? { name, node, type, kind: filterKind(type), config: outer?.config ?? node, shown: outer !== undefined }
        : { name, node, type: types.extAuthz, kind: 'ext_authz', config: wrapped.config, shown: true }
    if (wrapped !== undefined)
      findings.add('envoy.conditional_filter', wrapped.config, 'ext_authz inside another filter')
    if (isGuard(filter)) reportSwitch(filter, findings)
    return filter
  })
}

/** What keeps a filter from running. */
export function reportSwitch({ node, name }: HttpFilter, findings: Findings): void {
  const disabled = node.field('disabled')
  if (disabled !== undefined && !isFalse(disabled))
    findings.add('envoy.filter_disabled', disabled, `the filter ${name} is disabled`)
  const optional = node.field('is_optional')
  if (optional !== undefined && !isFalse(optional))
    findings.add('envoy.filter_optional', optional, `the filter ${name} is optional`)
}

/** The filters that the decision rests on. */
function isGuard({ type }: HttpFilter): boolean {
  return type === types.extAuthz || type === types.bodySizeLimit
}

/** The first ext_authz anywhere inside a filter that chooses among filters. */
function innerExtAuthz(config: ConfigNode): TypedConfig | undefined {
  for (const mapping of mappings(config)) {
    const inner = typedConfig(mapping)
    if (inner.type === types.extAuthz) return inner
  }
  return undefined
}
