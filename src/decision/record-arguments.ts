import { compilePattern } from '../cel/library/patterns.js'
import { Failure } from '../cel/values/value.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'

/** One step into arguments: a member, an element, or every one of them. */
type Step = { readonly name: string } | { readonly index: number } | { readonly each: true }

export interface RecordedArguments {
  readonly mode: 'none' | 'paths' | 'all'
  /** For mode paths: what is recorded. */
  readonly paths: readonly (readonly Step[])[]
  /** By the syntax of RE2: what they match in a value is not recorded. */
  readonly patterns: readonly string[]
  /** What is recorded is at most so many bytes as UTF-16 code units take in JSON. */
  readonly maxBytes: number
}

/** Members of a record about arguments, each with a comma before it; "" for nothing. */
export type RecordArguments = (args: JsonObject | undefined) => string

/** What stands in the place of what a pattern found. */
const redacted = '[redacted]'
const root = '/arguments'
/** Places that are told one by one; beyond that it is said of all arguments. */
const mostPlaces = 64
const longestPlace = 256

/**
 * What the records hold of arguments beside their digest. Values that do not fit are left out as a whole, because what a
 * pattern would have found in them may not be found in a part. `erased` and `masked` say where something is not as it was
 * sent. Throws for patterns that do not compile.
 */
export function createArgumentRecorder({ mode, paths, patterns, maxBytes }: RecordedArguments): RecordArguments {
  if (mode === 'none') return () => ''
  const compiled = patterns.map(source => {
    const pattern = compilePattern(source)
    if (pattern instanceof Failure) throw new Error(`decisionLog.arguments.redact: ${pattern.message}`)
    return pattern.pattern
  })
  return args => {
    if (args === undefined) return ''
    const recording = new Recording(compiled, maxBytes)
    const text = recording.object(args, root, mode === 'all' ? undefined : paths)
    return `,"arguments":${text}${places('erased', recording.erased)}${places('masked', recording.masked)}`
  }
}

type Pattern = Exclude<ReturnType<typeof compilePattern>, Failure>['pattern']

/** What of a value is wanted: undefined for all of it. */
type Wanted = readonly (readonly Step[])[] | undefined

class Recording {
  readonly #patterns: readonly Pattern[]
  /** Characters that may still be written and searched. */
  #left: number
  readonly erased = new Set<string>()
  readonly masked = new Set<string>()

  constructor(patterns: readonly Pattern[], maxBytes: number) {
    this.#patterns = patterns
    this.#left = maxBytes - 2
  }

  object(value: JsonObject, at: string, wanted: Wanted): string {
    const members: string[] = []
    for (const [key, item] of value) {
      const rest = below(wanted, step => 'each' in step || ('name' in step && step.name === key))
      if (rest === none) {
        // A name costs a search: not for more of them than can be told.
        if (!this.erased.has(root)) this.#erase(this.#place(at, key))
        continue
      }
      const name = this.#key(key)
      if (name === undefined) {
        this.#erase(at)
        continue
      }
      const text = this.#value(item, this.#place(at, key), rest)
      if (text !== undefined) members.push(`${name}:${text}`)
    }
    return `{${members.join(',')}}`
  }

  /** An element that is left out leaves null behind, so that the places of the others stay. */
  #array(value: readonly JsonValue[], at: string, wanted: Wanted): string | undefined {
    if (!this.#spend(5 * value.length)) return this.#leaveOut(at)
    const items = value.map((item, index) => {
      const rest = below(wanted, step => 'each' in step || ('index' in step && step.index === index))
      const place = `${at}/${index}`
      return (rest === none ? this.#leaveOut(place) : this.#value(item, place, rest)) ?? 'null'
    })
    return `[${items.join(',')}]`
  }

  #value(value: JsonValue, at: string, wanted: Wanted): string | undefined {
    if (isJsonObject(value)) return this.#spend(3) ? this.object(value, at, wanted) : this.#leaveOut(at)
    if (isJsonArray(value)) return this.#spend(3) ? this.#array(value, at, wanted) : this.#leaveOut(at)
    // Somebody wants what is in it, but there is nothing in it.
    if (wanted !== undefined) return this.#leaveOut(at)
    const text = typeof value === 'string' ? value : typeof value === 'bigint' ? String(value) : JSON.stringify(value)
    if (!this.#spend(text.length)) return this.#leaveOut(at)
    const found = this.#mask(text)
    if (found !== undefined) this.#mark(this.masked, at)
    const json = found !== undefined || typeof value === 'string' ? JSON.stringify(found ?? text) : text
    return this.#spend(json.length - text.length) ? json : this.#leaveOut(at)
  }

  #key(key: string): string | undefined {
    if (!this.#spend(key.length + 4)) return undefined
    if (this.#mask(key) !== undefined) return undefined
    const json = JSON.stringify(key)
    return this.#spend(json.length - key.length - 2) ? json : undefined
  }

  /** undefined if there was nothing to mask. */
  #mask(text: string): string | undefined {
    let masked = text
    for (const pattern of this.#patterns)
      if (pattern.test(masked)) masked = pattern.matcher(masked).replaceAll(redacted)
    return masked === text ? undefined : masked
  }

  #spend(characters: number): boolean {
    if (characters > this.#left) return false
    // Nothing is given back: what was searched has cost its time.
    this.#left -= Math.max(0, characters)
    return true
  }

  #leaveOut(at: string): undefined {
    this.#erase(at)
  }

  #erase(at: string): void {
    this.#mark(this.erased, at)
  }

  #mark(marked: Set<string>, at: string): void {
    if (marked.has(root)) return
    marked.add(at)
    if (at !== root && marked.size <= mostPlaces) return
    marked.clear()
    marked.add(root)
  }

  /** A JSON Pointer (RFC 6901); of what has a long or telling name only where it is. */
  #place(at: string, key: string): string {
    if (at.length + key.length > longestPlace) return at
    return this.#mask(key) === undefined ? `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}` : at
  }
}

const none = Symbol('nothing is wanted')

/** What is wanted below the steps that match. */
function below(wanted: Wanted, matches: (step: Step) => boolean): Wanted | typeof none {
  if (wanted === undefined) return undefined
  const rests = wanted.flatMap(([step, ...rest]) => (step !== undefined && matches(step) ? [rest] : []))
  if (rests.length === 0) return none
  return rests.some(rest => rest.length === 0) ? undefined : rests
}

function places(name: string, marked: ReadonlySet<string>): string {
  return marked.size === 0 ? '' : `,"${name}":${JSON.stringify([...marked])}`
}
