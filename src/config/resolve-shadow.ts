import { relative } from 'node:path'
import type { Finding } from '../documents/finding.js'
import type { ConfigShadow, ConfigSource } from './config.js'
import type { ConfigSpec } from './config-document.js'

type Report = (
  severity: Finding['severity'],
  path: readonly (string | number)[],
  message: string,
  hint?: string,
) => void

const configMapKinds = ['Grant', 'Guardrail', 'Enrichment'] as const

/** Where policies stand that are judged beside those in force. undefined: nothing is. */
export function resolveShadow(
  { shadow, sources, clusters }: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): ConfigShadow | undefined {
  if (shadow === undefined) return undefined
  const enforced = sources.flatMap(({ directory }, i) => (directory === undefined ? [] : [{ i, path: at(directory) }]))
  const resolved = shadow.sources.flatMap(({ directory, configMaps, kinds }, i): readonly ConfigSource[] => {
    const path = ['shadow', 'sources', i]
    if ((directory === undefined) === (configMaps === undefined)) {
      const message = directory === undefined ? 'names neither a directory nor configMaps' : 'has both'
      report('error', path, message, 'write either directory or configMaps')
      return []
    }
    if (directory !== undefined) {
      const inside = enforced.find(one => isWithin(at(directory), one.path))
      if (inside !== undefined)
        report(
          'error',
          [...path, 'directory'],
          `is part of sources[${inside.i}].directory, so that what stands there is in force`,
          'use a directory beside it',
        )
      return [{ from: 'directory', directory: at(directory), kinds }]
    }
    if (configMaps === undefined) return []
    const { cluster, namespace, selector } = configMaps
    if (clusters[cluster] === undefined)
      report(
        'error',
        [...path, 'configMaps', 'cluster'],
        `no cluster is named "${cluster}"`,
        `there is: ${Object.keys(clusters).join(', ')}`,
      )
    const twin = sources.findIndex(
      one =>
        one.configMaps?.cluster === cluster &&
        one.configMaps.namespace === namespace &&
        one.configMaps.selector === selector,
    )
    if (twin >= 0)
      report(
        'error',
        [...path, 'configMaps', 'selector'],
        `selects the ConfigMaps of sources[${twin}], which are in force`,
        'use another value of the label, such as mcp-authz.dev/policy=shadow',
      )
    const common = { cluster, namespace, selector, kinds: kinds ?? configMapKinds }
    return [{ from: 'configMaps', ...common, status: undefined, events: false }]
  })
  return { sources: resolved, sample: shadow.sample }
}

function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path)
  return way === '' || (way !== '..' && !way.startsWith('../') && !way.startsWith('/'))
}
