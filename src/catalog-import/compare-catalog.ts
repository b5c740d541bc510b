import type { CatalogTool, ToolCatalog } from '../rbac/tool-catalog.js'
import { toolDigest } from '../rbac/tool-digest.js'
import { argumentsOf } from './draft-catalog.js'
import { foreignText } from './foreign-text.js'
import type { Published, PublishedEntry } from './published.js'

/**
 * `new`: listed, not catalogued, so denied. `gone`: catalogued, not listed. `changed`: no longer what was pinned.
 * `arguments`: not pinned, and takes other arguments than the catalogue lists.
 */
export type DriftKind = 'new' | 'gone' | 'changed' | 'arguments'

export interface Drift {
  readonly kind: DriftKind
  readonly group: 'tool' | 'prompt'
  /** As the server or the catalogue has it; not fit for a terminal. */
  readonly name: string
  /** For people; safe to print. */
  readonly message: string
}

export interface CatalogComparison {
  readonly drift: readonly Drift[]
  /** Entries without a digest, of which only the names of arguments could be compared. */
  readonly unpinned: number
}

/** What a server lists, compared with what a catalogue says of it. */
export function compareCatalog(catalog: ToolCatalog, published: Published): CatalogComparison {
  const drift: Drift[] = []
  let unpinned = 0
  for (const [group, entries, listed] of [
    ['tool', catalog.tools, published.tools],
    ['prompt', catalog.prompts, published.prompts],
  ] as const) {
    const add = (kind: DriftKind, name: string, message: string): void => {
      drift.push({ kind, group, name, message: `${group} ${JSON.stringify(foreignText(name, 128))}: ${message}` })
    }
    const names = new Set(listed.map(({ name }) => name))
    for (const name of entries.keys()) if (!names.has(name)) add('gone', name, 'the server does not list it')
    for (const entry of listed) {
      const known = entries.get(entry.name)
      if (known === undefined) {
        add('new', entry.name, 'is new; the catalogue does not have it, so it is denied')
        continue
      }
      if (known.digest === undefined) unpinned++
      if (known.digest !== undefined && known.digest !== toolDigest(entry.definition)) {
        const details = differingArguments(known, entry)
        add('changed', entry.name, ['its definition is not the one that was pinned', ...details].join('; '))
      } else if (known.digest === undefined) {
        const details = differingArguments(known, entry)
        if (details.length > 0) add('arguments', entry.name, details.join('; '))
      }
    }
  }
  return { drift, unpinned }
}

function differingArguments(known: CatalogTool, entry: PublishedEntry): readonly string[] {
  if (known.arguments === undefined) return []
  const { names } = argumentsOf(entry)
  const listed = known.arguments
  const added = names.filter(name => !listed.has(name))
  const quote = (all: readonly string[]) => all.map(name => JSON.stringify(foreignText(name, 128))).join(', ')
  const published = new Set(names)
  // The cluster argument is honoured where no schema shows it.
  const gone = [...listed].filter(name => !published.has(name) && name !== known.clusterArgument)
  return [
    ...(added.length > 0 ? [`it takes ${quote(added)}, which the catalogue does not list`] : []),
    ...(gone.length > 0 ? [`it no longer takes ${quote(gone)}`] : []),
  ]
}
