import type { Finding, Location } from './finding.js'
import { formatPath } from './format-path.js'
import type { LineIndex } from './line-index.js'
import { locateInScalar } from './locate-in-scalar.js'
import type { Place } from './place.js'
import type { FindingExtra, PathSegment, SourceDocument } from './source-document.js'
import { valueAt } from './value-at.js'

export interface SourceDocumentParts {
  readonly file: string
  readonly index: number
  readonly value: unknown
  readonly text: string
  /** Asked for only when something is said about the document. */
  place(): Place
  lines(): LineIndex
}

/** A document whose value is known to be a mapping; `apiVersion`, `kind` and `metadata.name` are "" where they are not text. */
export function createSourceDocument(parts: SourceDocumentParts): SourceDocument {
  const { file, index, value, text, place, lines } = parts
  const kind = textAt(value, ['kind'])
  const name = textAt(value, ['metadata', 'name'])
  const subject = name === '' ? kind : `${kind}/${name}`

  const locationOf = (offset: number): Location => ({ file, document: index, ...lines().position(offset) })
  const locate = (path: readonly PathSegment[]): Location => locationOf(placeAt(place(), path).offset)

  return {
    file,
    index,
    apiVersion: textAt(value, ['apiVersion']),
    kind,
    name,
    value,
    text,
    locate,
    finding(
      severity: Finding['severity'],
      path: readonly PathSegment[],
      message: string,
      extra: FindingExtra = {},
    ): Finding {
      const offset = offsetOf(place(), path, extra)
      return { severity, location: locationOf(offset), subject, path: formatPath(path), message, hint: extra.hint }
    },
  }
}

function offsetOf(root: Place, path: readonly PathSegment[], extra: FindingExtra): number {
  if (extra.at === 'key') {
    const key = path.at(-1)
    const parent = placeAt(root, path.slice(0, -1))
    return (typeof key === 'string' ? parent.entries?.get(key)?.key : undefined) ?? placeAt(root, path).offset
  }
  const place = placeAt(root, path)
  return extra.offset === undefined ? place.offset : locateInScalar(place, extra.offset)
}

function placeAt(root: Place, path: readonly PathSegment[]): Place {
  let place = root
  for (const segment of path) {
    const next = typeof segment === 'number' ? place.items?.[segment] : place.entries?.get(segment)?.value
    if (next === undefined) return place
    place = next
  }
  return place
}

function textAt(value: unknown, path: readonly string[]): string {
  const found = valueAt(value, path)
  return typeof found === 'string' ? found : ''
}
