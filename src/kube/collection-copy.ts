import type { JsonObject, JsonValue } from '../protocol/json-value.js'
import { compareVersions } from './compare-versions.js'
import type { KeptObject } from './keep-object.js'
import { beyondLimits, type Listed } from './list-collection.js'
import { readWatchLine } from './watch-line.js'

/** What a line of a watch did to a copy. */
export type Applied =
  | { readonly type: 'same' | 'changed' }
  /** The copy cannot be led on from here: list it anew. */
  | { readonly type: 'relist' | 'limits'; readonly message: string }

export interface CopyLimits {
  readonly maxObjects: number
  readonly maxBytes: number
}

/** A copy of a collection, and the version up to which it is known. No clock and no network. */
export class CollectionCopy {
  /** Changed in place by events, another map after each list. */
  objects: Map<string, JsonObject> = new Map()
  /** Where a watch goes on; undefined: list first. */
  version: string | undefined
  readonly #limits: CopyLimits
  #known: Map<string, KeptObject> = new Map()
  #bytes = 0

  constructor(limits: CopyLimits) {
    this.#limits = limits
  }

  /** What is kept of an object. */
  known = (key: string): KeptObject | undefined => this.#known.get(key)

  /** Takes a list as it is (and keeps its map), older than what is here or not. @returns whether anything is different */
  replace(listed: Extract<Listed, { ok: true }>): boolean {
    let change = listed.objects.size !== this.#known.size
    const objects = new Map<string, JsonObject>()
    for (const [key, kept] of listed.objects) {
      if (this.#known.get(key) !== kept) change = true
      objects.set(key, kept.object)
    }
    this.objects = objects
    this.#known = listed.objects
    this.#bytes = listed.bytes
    this.version = listed.resourceVersion
    return change
  }

  /** Within a watch nothing goes back: what is older than what was seen before is not applied. */
  apply(line: JsonValue): Applied {
    const read = readWatchLine(line)
    switch (read.type) {
      case 'unreadable':
        return { type: 'relist', message: 'the API server sent a line that cannot be read' }
      case 'error':
        return { type: 'relist', message: read.message }
      case 'bookmark':
        return this.#moveTo(read.resourceVersion) ? { type: 'same' } : wentBack
      case 'delete':
        return this.#moveTo(read.kept.resourceVersion) ? this.#remove(read.kept.key) : wentBack
      case 'set': {
        const { kept } = read
        if (this.#known.get(kept.key)?.resourceVersion === kept.resourceVersion) return { type: 'same' }
        return this.#moveTo(kept.resourceVersion) ? this.#set(kept) : wentBack
      }
    }
  }

  /** Versions that cannot be compared are taken in the order in which they come. */
  #moveTo(version: string): boolean {
    const order = this.version === undefined ? undefined : compareVersions(version, this.version)
    if (order !== undefined && order < 0) return false
    this.version = version
    return true
  }

  #set(kept: KeptObject): Applied {
    const before = this.#known.get(kept.key)
    const bytes = this.#bytes + kept.bytes - (before?.bytes ?? 0)
    const count = this.#known.size + (before === undefined ? 1 : 0)
    const message = beyondLimits(count, bytes, this.#limits)
    if (message !== undefined) return { type: 'limits', message }
    this.#bytes = bytes
    this.#known.set(kept.key, kept)
    this.objects.set(kept.key, kept.object)
    return { type: 'changed' }
  }

  #remove(key: string): Applied {
    const before = this.#known.get(key)
    if (before === undefined) return { type: 'same' }
    this.#bytes -= before.bytes
    this.#known.delete(key)
    this.objects.delete(key)
    return { type: 'changed' }
  }
}

const wentBack: Applied = { type: 'relist', message: 'the API server went back to an older version' }
