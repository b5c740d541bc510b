import type { JsonOutline } from '../json-outline.js'
import { type Edit, splice } from '../splice.js'
import { type ItemList, type ListItem, type ListResult, type ReadLists, readLists } from './read-lists.js'
import type { MessageChoice, Rewritten } from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'

export interface ListFilter extends MessageChoice {
  /**
   * What the result must say about caching. A list that depends on who asks must not be shared (specification 2026-07-28,
   * caching), even if this caller sees all of it. Default: as the server says.
   */
  readonly cacheScope?: 'private'
}

export interface FilteredList extends Rewritten {
  readonly kept: number
  readonly removed: number
}

/**
 * Removes the items of lists that `keep` does not want. Cursors, order, white space between the others and everything else
 * stay byte for byte; lists become empty, never absent. With a failure nothing may be passed on.
 */
export function filterList(
  bytes: Uint8Array,
  keep: (item: ListItem) => boolean,
  filter: ListFilter = {},
): FilteredList | ResponseFailure {
  const read = readLists(bytes, filter)
  return read.ok ? removeItems(bytes, read, keep, filter) : read
}

/** The same of lists that have been read already, with {@link readLists}, from these bytes. */
export function removeItems(
  bytes: Uint8Array,
  read: ReadLists,
  keep: (item: ListItem) => boolean,
  filter: Pick<ListFilter, 'cacheScope'> = {},
): FilteredList {
  const edits: Edit[] = []
  let kept = 0
  let removed = 0
  for (const result of read.results) {
    for (const list of result.lists) {
      const cut = removals(list, keep)
      kept += list.items.length - cut.removed
      removed += cut.removed
      // One by one: a call takes fewer arguments than a list may have items.
      for (const edit of cut.edits) edits.push(edit)
    }
    if (filter.cacheScope !== undefined && result.lists.length > 0)
      edits.push(...rescope(read.outline, result, 'private'))
  }
  edits.sort((left, right) => left.start - right.start)
  return { ok: true, bytes: splice(bytes, edits), kept, removed }
}

/** One edit for each run of items that go, with the comma that goes with them. */
function removals({ items }: ItemList, keep: (item: ListItem) => boolean): { edits: Edit[]; removed: number } {
  const edits: Edit[] = []
  let removed = 0
  let lastKept: ListItem | undefined
  let firstGone: ListItem | undefined
  for (const item of items) {
    if (!keep(item)) {
      removed++
      firstGone ??= item
      continue
    }
    // Up to the next item, so that the comma before the run becomes the one before this item.
    if (firstGone !== undefined) edits.push({ start: firstGone.start, end: item.start, text: '' })
    firstGone = undefined
    lastKept = item
  }
  const last = items.at(-1)
  if (firstGone !== undefined && last !== undefined) {
    edits.push({ start: lastKept?.end ?? firstGone.start, end: last.end, text: '' })
  }
  return { edits, removed }
}

/** The member is required beside `ttlMs`; where it is missing, clients must not have to guess. */
function rescope(outline: JsonOutline, { cacheScope, ttlMs }: ListResult, scope: 'private'): readonly Edit[] {
  if (cacheScope !== undefined) {
    const isRight = outline.kind(cacheScope) === 'string' && outline.string(cacheScope) === scope
    if (isRight) return []
    return [{ start: outline.start(cacheScope), end: outline.end(cacheScope), text: `"${scope}"` }]
  }
  if (ttlMs === undefined) return []
  const at = outline.end(ttlMs)
  return [{ start: at, end: at, text: `,"cacheScope":"${scope}"` }]
}
