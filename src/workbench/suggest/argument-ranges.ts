import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'
import { isWellFormed } from '../../rbac/well-formed.js'
import type { SuggestLimits } from './limits.js'
import type { ObservedArguments } from './observed-call.js'

/** What the values of one argument had in common. */
export type ArgumentRange =
  | { readonly kind: 'numbers'; readonly min: number | bigint; readonly max: number | bigint }
  | { readonly kind: 'values'; readonly values: readonly (string | boolean)[] }
  /** Of lists: what their elements were. */
  | { readonly kind: 'elements'; readonly values: readonly string[] }
  | { readonly kind: 'open'; readonly why: string }

export interface RangedArgument {
  readonly name: string
  /** It was in every call. */
  readonly always: boolean
  readonly calls: number
  readonly range: ArgumentRange
}

/** Longer texts are contents, not choices. */
const longestValue = 128
const secretName = /pass|secret|token|key|credential|auth|private|cookie/i

/** The arguments of one tool over all its calls, in bounded memory. */
export class ArgumentRanges {
  readonly #limits: SuggestLimits
  readonly #fields = new Map<string, Field>()
  #calls = 0
  #unknown = 0
  #tooMany = false

  constructor(limits: SuggestLimits) {
    this.#limits = limits
  }

  add({ args, changed }: ObservedArguments): void {
    this.#calls++
    if (args === undefined) {
      this.#unknown++
      return
    }
    for (const name of new Set([...args.keys(), ...changed])) {
      const field = this.#field(name)
      if (field === undefined) this.#tooMany = true
      else if (changed.has(name)) field.close()
      else field.add(memberOf(args, name), this.#limits.values)
    }
  }

  get calls(): number {
    return this.#calls
  }

  /** Calls whose arguments are not recorded. */
  get unknown(): number {
    return this.#unknown
  }

  /** Whether {@link all} holds every argument that there was. */
  get complete(): boolean {
    return !this.#tooMany
  }

  /** By name. */
  all(): readonly RangedArgument[] {
    return [...this.#fields]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => ({
        name,
        always: field.calls === this.#calls,
        calls: field.calls,
        range: secretName.test(name)
          ? { kind: 'open', why: 'its name sounds like a secret' }
          : field.range(this.#limits.values),
      }))
  }

  #field(name: string): Field | undefined {
    const known = this.#fields.get(name)
    if (known !== undefined) return known
    if (this.#fields.size >= this.#limits.arguments || name.length > longestValue || !isWellFormed(name))
      return undefined
    const field = new Field()
    this.#fields.set(name, field)
    return field
  }
}

function memberOf(args: JsonObject, name: string): JsonValue {
  return args.get(name) ?? null
}

type SeenKind = 'numbers' | 'texts' | 'flags' | 'lists' | 'objects' | 'nulls'

/** What is said of it does not depend on the order of the calls. */
class Field {
  calls = 0
  readonly #kinds = new Set<SeenKind>()
  /** Why no rule can be made of it. */
  readonly #reasons = new Set<Reason>()
  readonly #values = new Set<string | boolean>()
  #min: number | bigint = Number.POSITIVE_INFINITY
  #max: number | bigint = Number.NEGATIVE_INFINITY

  close(): void {
    this.calls++
    this.#reasons.add('changed')
  }

  add(value: JsonValue, limit: number): void {
    this.calls++
    if (typeof value === 'bigint' || typeof value === 'number') this.#number(value)
    else if (typeof value === 'string') this.#text('texts', value, limit)
    else if (typeof value === 'boolean') this.#value('flags', value, limit)
    else if (isJsonArray(value)) this.#list(value, limit)
    else this.#kinds.add(isJsonObject(value) ? 'objects' : 'nulls')
  }

  range(limit: number): ArgumentRange {
    const [kind, ...others] = this.#kinds
    const reason = reasonOrder.find(one => this.#reasons.has(one))
    if (reason === 'changed' || kind === undefined) return { kind: 'open', why: reasons.changed }
    if (others.length > 0) return { kind: 'open', why: 'it had values of several types' }
    if (reason !== undefined)
      return { kind: 'open', why: reason === 'many' ? `it had more than ${limit} values` : reasons[reason] }
    const values = [...this.#values].sort((a, b) => (String(a) < String(b) ? -1 : 1))
    switch (kind) {
      case 'numbers':
        return { kind: 'numbers', min: this.#min, max: this.#max }
      case 'texts':
      case 'flags':
        return { kind: 'values', values }
      case 'lists':
        return { kind: 'elements', values: values.filter(value => typeof value === 'string') }
      case 'objects':
        return { kind: 'open', why: 'it is an object' }
      case 'nulls':
        return { kind: 'open', why: 'it was null' }
    }
  }

  #number(value: number | bigint): void {
    this.#kinds.add('numbers')
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) this.#reasons.add('large')
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  #list(list: readonly JsonValue[], limit: number): void {
    this.#kinds.add('lists')
    for (const item of list)
      if (typeof item === 'string') this.#text('lists', item, limit)
      else this.#reasons.add('mixed')
  }

  #text(kind: SeenKind, value: string, limit: number): void {
    if (value.length <= longestValue && isWellFormed(value)) this.#value(kind, value, limit)
    else {
      this.#kinds.add(kind)
      this.#reasons.add('long')
    }
  }

  #value(kind: SeenKind, value: string | boolean, limit: number): void {
    this.#kinds.add(kind)
    if (this.#reasons.has('many')) return
    this.#values.add(value)
    if (this.#values.size <= limit) return
    this.#reasons.add('many')
    this.#values.clear()
  }
}

type Reason = keyof typeof reasons | 'many'

const reasons = {
  changed: 'it is not recorded as it was sent',
  mixed: 'it is a list of more than texts',
  large: 'it is a number of more than 64 bits',
  long: 'its values are long, or no text',
} as const

const reasonOrder: readonly Reason[] = ['changed', 'mixed', 'large', 'long', 'many']
