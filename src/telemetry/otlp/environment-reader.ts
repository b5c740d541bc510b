export type Environment = Readonly<Record<string, string | undefined>>

/** As OpenTelemetry calls them in names of variables. */
export type Signal = 'TRACES' | 'METRICS' | 'LOGS'

/** Longest timer of Node. */
const maxMs = 2 ** 31 - 1

/**
 * Variables of OpenTelemetry for one signal. What cannot be understood counts as not set and is told in `problems`, which
 * hold no values that may be secret.
 */
export class EnvironmentReader {
  readonly problems: string[] = []
  readonly signal: Signal
  readonly #env: Environment

  constructor(env: Environment, signal: Signal) {
    this.#env = env
    this.signal = signal
  }

  problem(text: string): void {
    this.problems.push(text)
  }

  /** An empty variable counts as one that is not set. */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim()
    return value === '' ? undefined : value
  }

  /** Name of the variable for this signal if it is set, else of the one for all signals. */
  otlpName(suffix: string): string {
    const own = this.ownName(suffix)
    return this.text(own) === undefined ? `OTEL_EXPORTER_OTLP_${suffix}` : own
  }

  /** Name of the variable for this signal alone. */
  ownName(suffix: string): string {
    return `OTEL_EXPORTER_OTLP_${this.signal}_${suffix}`
  }

  otlp(suffix: string): string | undefined {
    return this.text(this.otlpName(suffix))
  }

  path<Key extends string>(key: Key, suffix: string): Partial<Record<Key, string>> {
    const value = this.otlp(suffix)
    const named: Partial<Record<Key, string>> = {}
    if (value !== undefined) named[key] = value
    return named
  }

  number(name: string, fallback: number, min: number, max = maxMs): number {
    const text = this.text(name)
    if (text === undefined) return fallback
    const value = Number(text)
    if (Number.isFinite(value) && value >= min && value <= max) return value
    this.problem(`${name} must be a number from ${min} to ${max}; ${fallback} is used`)
    return fallback
  }

  /** `name=value,…`, percent-encoded. A list of which one entry is wrong counts as not set. */
  pairs(name: string, form: PairForm): Readonly<Record<string, string>> {
    const pairs: Record<string, string> = {}
    const entries = (this.text(name) ?? '').split(',').filter(entry => entry.trim() !== '')
    for (const [index, entry] of entries.entries()) {
      const equals = entry.indexOf('=')
      const key = decoded(entry.slice(0, Math.max(0, equals)))
      const value = decoded(entry.slice(equals + 1))
      if (key === undefined || value === undefined || !form.name.test(key) || !form.value.test(value)) {
        this.problem(`${name}: entry ${index + 1} is not name=value, percent-encoded; the variable is passed over`)
        return {}
      }
      pairs[key] = value
    }
    return pairs
  }
}

export interface PairForm {
  readonly name: RegExp
  readonly value: RegExp
}

/** RFC 9110, section 5: a token, and visible text. */
export const headerForm: PairForm = { name: /^[\w!#$%&'*+.^`|~-]+$/, value: /^[\t\x20-\x7e]*$/ }
export const anyForm: PairForm = { name: /./s, value: /(?:)/ }

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return undefined
  }
}
