import { anyForm, type EnvironmentReader, headerForm, type Signal } from './environment-reader.js'

/** Where one signal goes, and how. */
export interface OtlpSettings {
  readonly url: string
  /** They may hold credentials: never to be shown. */
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds for one attempt; of traces, with its repeats. */
  readonly timeoutMs: number
  readonly compression: 'gzip' | 'none'
  /** Paths of PEM files: who the collector is, and who we are. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly resource: Readonly<Record<string, string>>
}

export interface OtlpDefaults {
  /** Whether an endpoint alone switches the signal on. Otherwise its exporter must be `otlp`. */
  readonly endpointSuffices: boolean
  /** For messages: what does not happen. */
  readonly otherwise: string
}

const signals: Readonly<Record<Signal, string>> = { TRACES: 'v1/traces', METRICS: 'v1/metrics', LOGS: 'v1/logs' }
const defaultEndpoint = 'http://localhost:4318'

/**
 * The standard variables for an exporter by OTLP over HTTP with protobuf; undefined: the signal is off (OpenTelemetry
 * specification, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter").
 */
export function readOtlpSettings(reader: EnvironmentReader, defaults: OtlpDefaults): OtlpSettings | undefined {
  if (reader.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined
  const choice = `OTEL_${reader.signal}_EXPORTER`
  const exporters = (reader.text(choice) ?? '').split(',').map(name => name.trim().toLowerCase())
  if (exporters.includes('none')) return undefined
  const asked = exporters.includes('otlp')
  for (const name of exporters)
    if (name !== 'otlp' && name !== '' && !(reader.signal === 'METRICS' && name === 'prometheus'))
      reader.problem(`${choice}: ${name} is not offered; use otlp or none`)
  const exact = reader.text(reader.ownName('ENDPOINT'))
  const base = reader.text('OTEL_EXPORTER_OTLP_ENDPOINT')
  if (!asked && (!defaults.endpointSuffices || (exact === undefined && base === undefined))) return undefined
  // Somebody wants it somewhere else.
  if (!asked && exporters.some(name => name !== '')) return undefined

  const [variable, url] =
    exact === undefined
      ? ['OTEL_EXPORTER_OTLP_ENDPOINT', `${(base ?? defaultEndpoint).replace(/\/$/, '')}/${signals[reader.signal]}`]
      : [reader.ownName('ENDPOINT'), exact]
  if (!URL.canParse(url) || !/^https?:/i.test(url)) {
    reader.problem(`${variable} is not an http or https URL; ${defaults.otherwise}`)
    return undefined
  }
  const protocol = reader.otlp('PROTOCOL') ?? 'http/protobuf'
  if (protocol !== 'http/protobuf')
    reader.problem(
      `OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol} is not offered; http/protobuf is used, usually on port 4318`,
    )
  const compression = reader.otlp('COMPRESSION') ?? 'none'
  if (compression !== 'gzip' && compression !== 'none')
    reader.problem(`OTEL_EXPORTER_OTLP_COMPRESSION: ${compression} is not offered; nothing is compressed`)
  return {
    url,
    headers: {
      ...reader.pairs('OTEL_EXPORTER_OTLP_HEADERS', headerForm),
      ...reader.pairs(reader.ownName('HEADERS'), headerForm),
    },
    timeoutMs: reader.number(reader.otlpName('TIMEOUT'), 10_000, 1),
    compression: compression === 'gzip' ? 'gzip' : 'none',
    tls: {
      ...reader.path('ca', 'CERTIFICATE'),
      ...reader.path('cert', 'CLIENT_CERTIFICATE'),
      ...reader.path('key', 'CLIENT_KEY'),
    },
    resource: resourceOf(reader),
  }
}

/** What the environment says of this process. The service name wins over the same attribute. */
function resourceOf(reader: EnvironmentReader): Readonly<Record<string, string>> {
  const name = reader.text('OTEL_SERVICE_NAME')
  return { ...reader.pairs('OTEL_RESOURCE_ATTRIBUTES', anyForm), ...(name !== undefined && { 'service.name': name }) }
}

/** Without what may be a secret: user, path and query. */
export function hostOf(url: string): string {
  return /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(url)?.[1] ?? ''
}
