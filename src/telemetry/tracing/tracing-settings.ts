import type { SpanQueueLimits } from './span-queue.js'

export interface TracingSettings {
  /** Where spans are posted to. */
  readonly url: string
  /** They may hold credentials: never to be shown. */
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds for one attempt and its repeats. */
  readonly timeoutMs: number
  /** Paths of PEM files: who the collector is, and who we are. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly sampler: Sampler
  readonly resource: Readonly<Record<string, string>>
  readonly queue: SpanQueueLimits
}

export interface Sampler {
  /** A decision is recorded if and only if the span that asks for it is. */
  readonly parentBased: boolean
  /** Share of the others that is recorded, 0 to 1. */
  readonly ratio: number
}

export interface ReadTracing {
  /** undefined: off. */
  readonly settings: TracingSettings | undefined
  /** What is wrong with the variables; none of it stops the service. No values that may be secret. */
  readonly problems: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The standard variables of OpenTelemetry. Tracing is off unless an endpoint or the exporter `otlp` is set; what cannot be
 * understood counts as not set and is told (OpenTelemetry specification, "Environment Variable Specification").
 */
export function readTracingSettings(env: Environment): ReadTracing {
  const reader = new Reader(env)
  return { settings: read(reader), problems: reader.problems }
}

const defaultEndpoint = 'http://localhost:4318'

function read(reader: Reader): TracingSettings | undefined {
  if (reader.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined
  const exporters = (reader.text('OTEL_TRACES_EXPORTER') ?? '').split(',').map(name => name.trim().toLowerCase())
  if (exporters.includes('none')) return undefined
  const asked = exporters.includes('otlp')
  for (const name of exporters)
    if (name !== 'otlp' && name !== '') reader.problem(`OTEL_TRACES_EXPORTER: ${name} is not offered; use otlp or none`)
  const exact = reader.text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
  const base = reader.text('OTEL_EXPORTER_OTLP_ENDPOINT')
  if (exact === undefined && base === undefined && !asked) return undefined
  // Somebody wants spans somewhere else.
  if (!asked && exporters.some(name => name !== '')) return undefined

  const [variable, url] =
    exact === undefined
      ? ['OTEL_EXPORTER_OTLP_ENDPOINT', `${(base ?? defaultEndpoint).replace(/\/$/, '')}/v1/traces`]
      : ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', exact]
  if (!URL.canParse(url) || !/^https?:/i.test(url)) {
    reader.problem(`${variable} is not an http or https URL; nothing is traced`)
    return undefined
  }
  const protocol = reader.signal('PROTOCOL') ?? 'http/protobuf'
  if (protocol !== 'http/protobuf')
    reader.problem(
      `OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol} is not offered; http/protobuf is used, usually on port 4318`,
    )
  const compression = reader.signal('COMPRESSION') ?? 'none'
  if (compression !== 'gzip' && compression !== 'none')
    reader.problem(`OTEL_EXPORTER_OTLP_COMPRESSION: ${compression} is not offered; nothing is compressed`)
  return {
    url,
    headers: {
      ...reader.pairs('OTEL_EXPORTER_OTLP_HEADERS', headerForm),
      ...reader.pairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS', headerForm),
    },
    timeoutMs: reader.number(reader.signalName('TIMEOUT'), 10_000, 1),
    tls: {
      ...reader.path('ca', 'CERTIFICATE'),
      ...reader.path('cert', 'CLIENT_CERTIFICATE'),
      ...reader.path('key', 'CLIENT_KEY'),
    },
    sampler: samplerOf(reader),
    resource: resourceOf(reader),
    queue: {
      maxSpans: reader.number('OTEL_BSP_MAX_QUEUE_SIZE', 2048, 1, 1_000_000),
      batchSpans: reader.number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, 1, 1_000_000),
      delayMs: reader.number('OTEL_BSP_SCHEDULE_DELAY', 5000, 0),
      exportMs: reader.number('OTEL_BSP_EXPORT_TIMEOUT', 30_000, 1),
    },
  }
}

/** What the environment says of this process. The service name wins over the same attribute. */
function resourceOf(reader: Reader): Readonly<Record<string, string>> {
  const name = reader.text('OTEL_SERVICE_NAME')
  return { ...reader.pairs('OTEL_RESOURCE_ATTRIBUTES', anyForm), ...(name !== undefined && { 'service.name': name }) }
}

function samplerOf(reader: Reader): Sampler {
  const name = reader.text('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'
  const parentBased = name.startsWith('parentbased_')
  switch (parentBased ? name.slice('parentbased_'.length) : name) {
    case 'always_on':
      return { parentBased, ratio: 1 }
    case 'always_off':
      return { parentBased, ratio: 0 }
    case 'traceidratio':
      return { parentBased, ratio: reader.number('OTEL_TRACES_SAMPLER_ARG', 1, 0, 1) }
    default:
      reader.problem(`OTEL_TRACES_SAMPLER: ${name} is not offered; parentbased_always_on is used`)
      return { parentBased: true, ratio: 1 }
  }
}

/** Longest timer of Node. */
const maxMs = 2 ** 31 - 1

class Reader {
  readonly problems: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  problem(text: string): void {
    this.problems.push(text)
  }

  /** An empty variable counts as one that is not set. */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim()
    return value === '' ? undefined : value
  }

  /** The variable for traces if it is set, else the one for all signals. */
  signalName(suffix: string): string {
    const own = `OTEL_EXPORTER_OTLP_TRACES_${suffix}`
    return this.text(own) === undefined ? `OTEL_EXPORTER_OTLP_${suffix}` : own
  }

  signal(suffix: string): string | undefined {
    return this.text(this.signalName(suffix))
  }

  path<Key extends string>(key: Key, suffix: string): Partial<Record<Key, string>> {
    const value = this.signal(suffix)
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

interface PairForm {
  readonly name: RegExp
  readonly value: RegExp
}

/** RFC 9110, section 5: a token, and visible text. */
const headerForm: PairForm = { name: /^[\w!#$%&'*+.^`|~-]+$/, value: /^[\t\x20-\x7e]*$/ }
const anyForm: PairForm = { name: /./s, value: /(?:)/ }

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return undefined
  }
}
