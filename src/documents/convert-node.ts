import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, type Scalar } from 'yaml'
import type { Place, ScalarStyle } from './place.js'
import type { PathSegment } from './source-document.js'

/** Bounds of one document; aliases multiply, so what counts is the size after they are followed. */
export const nodeLimits = { aliases: 100, nodes: 100_000, depth: 64 } as const

export interface Problem {
  readonly path: readonly PathSegment[]
  readonly offset: number
  readonly message: string
  readonly hint?: string
}

export interface Converted {
  readonly value: unknown
  readonly place: Place
  readonly problems: readonly Problem[]
}

interface Part {
  readonly value: unknown
  readonly place: Place
  /** Nodes, with those behind aliases counted each time. */
  readonly weight: number
  /** Levels below this one, with those behind aliases. */
  readonly depth: number
}

/**
 * Turns a parsed YAML document into plain values: objects without a prototype, arrays, text, finite numbers, booleans,
 * null. What has no safe plain form is a problem, never a silent repair. `base` is where the document's text starts.
 */
export function convertNode(document: Document.Parsed, text: string, base: number): Converted {
  const problems: Problem[] = []
  const anchors = new Map<string, Part>()
  let aliases = 0
  let tooLarge = false

  /** Of the node that is being converted: copied for a problem only, of which few have any. */
  const path: PathSegment[] = []
  const problem = (offset: number, message: string, hint?: string) => {
    const at = { path: [...path], offset, message }
    problems.push(hint === undefined ? at : { ...at, hint })
  }
  const nothing = (offset: number): Part => ({ value: null, place: { offset }, weight: 1, depth: 0 })
  const bound = (part: Part): Part => {
    if (tooLarge) return part
    if (path.length + part.depth > nodeLimits.depth) {
      tooLarge = true
      problem(part.place.offset, `nested more than ${nodeLimits.depth} levels deep`)
    }
    if (part.weight <= nodeLimits.nodes || tooLarge) return part
    tooLarge = true
    problem(part.place.offset, `the document is too large: more than ${nodeLimits.nodes} values`)
    return part
  }

  function convert(node: unknown, fallback: number): Part {
    if (node === null || node === undefined) return nothing(fallback)
    if (isAlias(node)) {
      const offset = base + (node.range?.[0] ?? 0)
      const target = anchors.get(node.source)
      if (++aliases > nodeLimits.aliases) {
        if (aliases === nodeLimits.aliases + 1) problem(offset, `more than ${nodeLimits.aliases} aliases`)
        return nothing(offset)
      }
      if (target !== undefined) return bound(target)
      problem(offset, `no anchor &${node.source} before this alias`, 'text that begins with * needs quotes')
      return nothing(offset)
    }
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return nothing(fallback)
    const offset = base + (node.range?.[0] ?? 0)
    if (path.length > nodeLimits.depth) {
      problem(offset, `nested more than ${nodeLimits.depth} levels deep`)
      return nothing(offset)
    }
    const part = isScalar(node)
      ? convertScalar(node, offset)
      : isMap(node)
        ? convertMap(node.items, offset)
        : convertList(node.items, offset)
    if (node.anchor !== undefined) anchors.set(node.anchor, part)
    return bound(part)
  }

  function convertScalar(node: Scalar, offset: number): Part {
    const { value } = node
    const source = node.source ?? ''
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) problem(offset, 'infinity and not-a-number are not values here')
      else if (/^[-+]?\d+$/.test(source)) {
        if (!Number.isSafeInteger(value)) problem(offset, 'the number is too large to be exact', 'quote it')
        else if (/^[-+]?0\d/.test(source))
          // YAML 1.1 readers (kubectl) take it for octal, YAML 1.2 for decimal.
          problem(
            offset,
            'a number with leading zeros means different things to different programs',
            `write ${value}, or quote it`,
          )
      }
    }
    if (typeof value !== 'string') return { value: value ?? null, place: { offset }, weight: 1, depth: 0 }
    const raw = text.slice(node.range?.[0] ?? 0, node.range?.[1] ?? 0)
    return { value, place: { offset, scalar: { style: scalarStyle(node), source: raw, value } }, weight: 1, depth: 0 }
  }

  function convertMap(pairs: readonly Pair[], offset: number): Part {
    const value: Record<string, unknown> = Object.create(null)
    const entries = new Map<string, { key: number; value: Place }>()
    let weight = 1
    let depth = 0
    for (const pair of pairs) {
      const at = base + keyOffset(pair, offset - base)
      const key = isScalar(pair.key) ? pair.key.value : undefined
      if (typeof key !== 'string') {
        problem(at, 'this key is not text', isScalar(pair.key) ? `quote it: "${pair.key.source ?? key}"` : undefined)
        continue
      }
      if (key === '__proto__') problem(at, 'the key __proto__ is not allowed')
      else if (key === '<<' && isAlias(pair.value)) {
        problem(at, 'merge keys (<<) are not supported', 'write the fields out')
      } else {
        path.push(key)
        if (entries.has(key)) problem(at, `the key "${key}" stands here twice`, 'keep one of them')
        else {
          const part = convert(pair.value, at)
          value[key] = part.value
          entries.set(key, { key: at, value: part.place })
          weight += part.weight
          depth = Math.max(depth, part.depth + 1)
        }
        path.pop()
      }
    }
    return { value, place: { offset, entries }, weight, depth }
  }

  function convertList(nodes: readonly unknown[], offset: number): Part {
    const parts = nodes.map((node, i) => {
      path.push(i)
      const part = convert(node, offset)
      path.pop()
      return part
    })
    return {
      value: parts.map(part => part.value),
      place: { offset, items: parts.map(part => part.place) },
      weight: parts.reduce((sum, part) => sum + part.weight, 1),
      depth: parts.reduce((deepest, part) => Math.max(deepest, part.depth + 1), 0),
    }
  }

  const { value, place } = convert(document.contents, base)
  return { value, place, problems }
}

function scalarStyle(node: Scalar): ScalarStyle {
  switch (node.type) {
    case 'QUOTE_SINGLE':
      return 'single'
    case 'QUOTE_DOUBLE':
      return 'double'
    case 'BLOCK_LITERAL':
    case 'BLOCK_FOLDED':
      return 'block'
    default:
      return 'plain'
  }
}

function keyOffset(pair: Pair, fallback: number): number {
  const key = pair.key
  if (isScalar(key) || isMap(key) || isSeq(key) || isAlias(key)) return key.range?.[0] ?? fallback
  return fallback
}
