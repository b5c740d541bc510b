import type { PathSegment, SourceDocument } from '../documents/source-document.js'

/** A value of an Envoy configuration that knows where it stands. */
export class ConfigNode {
  readonly document: SourceDocument
  readonly path: readonly PathSegment[]
  readonly value: unknown

  constructor(document: SourceDocument, path: readonly PathSegment[], value: unknown) {
    this.document = document
    this.path = path
    this.value = value
  }

  /**
   * A field by its name in the proto (`failure_mode_allow`) or in JSON (`failureModeAllow`): Envoy reads both, and null
   * as absent. Where both stand, `envoy.ambiguous_field` is reported elsewhere.
   */
  field(name: string): ConfigNode | undefined {
    for (const key of [name, camelCase(name)]) {
      const found = this.at(key)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** A field below fields. */
  deep(...names: readonly string[]): ConfigNode | undefined {
    let node: ConfigNode | undefined = this
    for (const name of names) node = node?.field(name)
    return node
  }

  /** An entry of a map whose keys are free. */
  at(key: string): ConfigNode | undefined {
    const { value } = this
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    const inner: unknown = Reflect.get(value, key)
    return inner === null || inner === undefined ? undefined : new ConfigNode(this.document, [...this.path, key], inner)
  }

  /** The elements of a list; none where it is no list. */
  items(): readonly ConfigNode[] {
    const { value } = this
    if (!Array.isArray(value)) return []
    return value.map((inner: unknown, index) => new ConfigNode(this.document, [...this.path, index], inner))
  }

  /** The elements of a list that is a field. */
  list(name: string): readonly ConfigNode[] {
    return this.field(name)?.items() ?? []
  }

  /** The entries of a mapping, without those that are null. */
  entries(): readonly (readonly [string, ConfigNode])[] {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
    return Object.keys(value).flatMap(key => {
      const inner = this.at(key)
      return inner === undefined ? [] : [[key, inner] as const]
    })
  }
}

/** `max_request_bytes` → `maxRequestBytes`, as protobuf writes it in JSON. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Every mapping in a value, the value itself first. The documents are bounded in depth and size when they are read. */
export function* mappings(node: ConfigNode): Generator<ConfigNode> {
  if (Array.isArray(node.value)) for (const item of node.items()) yield* mappings(item)
  else if (typeof node.value === 'object' && node.value !== null) {
    yield node
    for (const [, inner] of node.entries()) yield* mappings(inner)
  }
}
