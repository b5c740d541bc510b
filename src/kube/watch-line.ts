import { isJsonObject, type JsonValue } from '../protocol/json-value.js'
import { type KeptObject, keepObject } from './keep-object.js'

/** One line of a watch (metav1.WatchEvent). */
export type WatchLine =
  | { readonly type: 'set' | 'delete'; readonly kept: KeptObject }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  /** The API server cannot go on, which it says after an HTTP 200. */
  | { readonly type: 'error'; readonly status: number | undefined; readonly message: string }
  | { readonly type: 'unreadable' }

export function readWatchLine(line: JsonValue): WatchLine {
  if (!isJsonObject(line)) return { type: 'unreadable' }
  const object = line.get('object')
  switch (line.get('type')) {
    case 'ADDED':
    case 'MODIFIED':
      return readChange('set', object)
    case 'DELETED':
      return readChange('delete', object)
    case 'BOOKMARK':
      return readBookmark(object)
    case 'ERROR':
      return readError(object)
    default:
      return { type: 'unreadable' }
  }
}

function readChange(type: 'set' | 'delete', object: JsonValue | undefined): WatchLine {
  const kept = keepObject(object)
  return kept === undefined ? { type: 'unreadable' } : { type, kept }
}

function readBookmark(object: JsonValue | undefined): WatchLine {
  const metadata = isJsonObject(object) ? object.get('metadata') : undefined
  const version = isJsonObject(metadata) ? metadata.get('resourceVersion') : undefined
  if (typeof version !== 'string' || version === '') return { type: 'unreadable' }
  return { type: 'bookmark', resourceVersion: version }
}

/** A metav1.Status. */
function readError(object: JsonValue | undefined): WatchLine {
  const code = isJsonObject(object) ? object.get('code') : undefined
  const message = isJsonObject(object) ? object.get('message') : undefined
  return {
    type: 'error',
    status: typeof code === 'bigint' ? Number(code) : undefined,
    message: typeof message === 'string' ? message.slice(0, 500) : 'the API server ended the watch with an error',
  }
}
