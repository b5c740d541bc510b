import type { JsonInput } from './from-json.js'

/**
 * A JSON object that stands in something else: of most, an expression reads one or two members, and to make a map of all
 * takes longer than to evaluate it. It is made for whatever wants the whole. What it stands in must not change.
 */
export abstract class JsonView {
  /** undefined: there is no such member. */
  abstract get(key: string): JsonInput | undefined
  /** A map of all members, as {@link get} gives them. */
  abstract whole(): ReadonlyMap<string, JsonInput>
}

/** How a member is read; undefined where there is none. */
type Read<T> = (object: T) => JsonInput | undefined

/** Makes views of objects of ours, by a list of the members that an expression may see. */
export function viewOf<T>(members: Readonly<Record<string, Read<T>>>): (object: T) => JsonView {
  const byName = new Map(Object.entries(members))
  return object => new ObjectView(object, byName)
}

class ObjectView<T> extends JsonView {
  readonly #object: T
  readonly #members: ReadonlyMap<string, Read<T>>

  constructor(object: T, members: ReadonlyMap<string, Read<T>>) {
    super()
    this.#object = object
    this.#members = members
  }

  get(key: string): JsonInput | undefined {
    return this.#members.get(key)?.(this.#object)
  }

  whole(): ReadonlyMap<string, JsonInput> {
    const map = new Map<string, JsonInput>()
    for (const [key, read] of this.#members) {
      const value = read(this.#object)
      if (value !== undefined) map.set(key, value)
    }
    return map
  }
}
