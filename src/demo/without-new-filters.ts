import { isCollection, isMap, parseAllDocuments, visit } from 'yaml'

/** HTTP filters of our configurations that Envoy knows since 1.40 only. */
const newFilters: readonly unknown[] = ['envoy.filters.http.body_size_limit']

/** A configuration without them, also where a route configures one. For tests with older versions of Envoy. */
export function withoutNewFilters(config: string): string {
  // What stands twice stays twice: what is wrong with it is for Envoy to say.
  return parseAllDocuments(config, { uniqueKeys: false })
    .map(document => {
      visit(document, {
        Map: (_key, node) => {
          if (newFilters.includes(node.get('name'))) return visit.REMOVE
          const routes = node.get('typed_per_filter_config')
          if (isMap(routes)) for (const name of newFilters) routes.delete(name)
          if (isCollection(routes) && routes.items.length === 0) node.delete('typed_per_filter_config')
          return undefined
        },
      })
      return document.toString()
    })
    .join('')
}
