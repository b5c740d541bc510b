import { formatPath } from '../documents/format-path.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import type { Override } from './overrides.js'

/**
 * The document as if its author had written the overrides, later ones last. What is found wrong with an overridden value
 * is reported where it came from.
 */
export function applyOverrides(document: SourceDocument, overrides: readonly Override[]): SourceDocument {
  if (overrides.length === 0) return document
  const value = structuredClone(document.value)
  const origins = new Map<string, string>()
  for (const override of overrides) {
    const path = ['spec', ...override.path]
    if (set(value, path, override.value)) origins.set(formatPath(path), override.origin)
  }
  const originOf = (path: readonly PathSegment[]): string | undefined => {
    for (let length = path.length; length > 1; length--) {
      const origin = origins.get(formatPath(path.slice(0, length)))
      if (origin !== undefined) return origin
    }
    return undefined
  }
  const relocate = (path: readonly PathSegment[], location: ReturnType<SourceDocument['locate']>) => {
    const file = originOf(path)
    return file === undefined ? location : { file, document: 1, line: 1, column: 1 }
  }
  return {
    ...document,
    value,
    locate: path => relocate(path, document.locate(path)),
    finding: (severity, path, message, extra) => {
      const finding = document.finding(severity, path, message, extra)
      return { ...finding, location: relocate(path, finding.location) }
    },
  }
}

/** True if the value could be set; where the file has something of another shape, its own error is reported instead. */
function set(root: unknown, path: readonly PathSegment[], value: unknown): boolean {
  let current: unknown = root
  for (const [i, segment] of path.entries()) {
    const container = slots(current, segment)
    if (container === undefined) return false
    if (i === path.length - 1) {
      container.write(value)
      return true
    }
    const inner = container.read()
    // Holes in lists stay null, and null is an error of its own: item 1 without item 0 is a mistake.
    const made = inner ?? (typeof path[i + 1] === 'number' ? [] : {})
    if (inner === undefined || inner === null) container.write(made)
    current = made
  }
  return false
}

interface Slot {
  read(): unknown
  write(value: unknown): void
}

function slots(container: unknown, segment: PathSegment): Slot | undefined {
  if (typeof segment === 'number') {
    if (!Array.isArray(container)) return undefined
    return {
      read: () => container[segment],
      write: value => {
        while (container.length < segment) container.push(null)
        container[segment] = value
      },
    }
  }
  if (typeof container !== 'object' || container === null || Array.isArray(container)) return undefined
  return {
    read: () => Reflect.get(container, segment),
    write: value => {
      Reflect.defineProperty(container, segment, { value, writable: true, enumerable: true, configurable: true })
    },
  }
}
