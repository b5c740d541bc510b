import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import protobuf from 'protobufjs'
import { z } from 'zod'
import { portOf } from '../../src/demo/free-port.js'
import { type CollectedLog, type CollectedMetric, decodeLogs, decodeMetrics } from './otlp-messages.js'
import { eventually } from './support/eventually.js'

/** What we read of opentelemetry/proto/collector/trace/v1, by its field numbers. */
const definitions = `
syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1;
  bytes span_id = 2;
  bytes parent_span_id = 4;
  string name = 5;
  int32 kind = 6;
  fixed64 start_time_unix_nano = 7;
  fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9;
  repeated Link links = 13;
  Status status = 15;
}
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; }
}
message ArrayValue { repeated AnyValue values = 1; }
`
const Request = protobuf.parse(definitions).root.lookupType('ExportTraceServiceRequest')

const Value = z.object({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: z.string().optional(),
  arrayValue: z.object({ values: z.array(z.object({ stringValue: z.string().optional() })) }).optional(),
})
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .default([])
  .transform(list => Object.fromEntries(list.map(({ key, value }) => [key, plain(value)])))
const id = z.string().default('')
const Decoded = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: id,
              spanId: id,
              parentSpanId: id,
              name: z.string(),
              kind: z.number(),
              startTimeUnixNano: z.string().transform(BigInt),
              endTimeUnixNano: z.string().transform(BigInt),
              attributes: Attributes,
              links: z.array(z.object({ traceId: id, spanId: id })).default([]),
              status: z.object({ code: z.number().default(0) }).default({ code: 0 }),
            }),
          ),
        }),
      ),
    }),
  ),
})

type Spans = z.infer<typeof Decoded>['resourceSpans'][number]
/** Ids in hex; times in nanoseconds since the epoch; `service` and `resource` say who made it. */
export type CollectedSpan = Spans['scopeSpans'][number]['spans'][number] & {
  readonly service: unknown
  readonly resource: Readonly<Record<string, unknown>>
}

/** As OTLP has it. */
export const spanKinds = { internal: 1, server: 2, client: 3 } as const

export interface Collector {
  readonly port: number
  readonly url: string
  /** Everything that came, as it came. */
  readonly spans: readonly CollectedSpan[]
  readonly logs: readonly CollectedLog[]
  /** Of each export anew. */
  readonly metrics: readonly CollectedMetric[]
  /** Path and headers of every export. */
  readonly exports: readonly { readonly path: string; readonly headers: Readonly<Record<string, unknown>> }[]
  /** How the next exports are answered. "never" leaves them open. Default 200, with nothing in it. */
  answer(status: number | 'never', body?: Buffer): void
  /** The spans for which it is so; waits until there is one. */
  find(what: string, is: (span: CollectedSpan) => boolean): Promise<CollectedSpan>
  stop(): Promise<void>
}

/** As much of an OpenTelemetry collector as a test needs: OTLP over HTTP with protobuf. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const logs: CollectedLog[] = []
  const metrics: CollectedMetric[] = []
  const exports: { path: string; headers: Record<string, unknown> }[] = []
  let answerBody: Buffer = Buffer.alloc(0)
  let status: number | 'never' = 200
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('error', () => {})
    request.on('end', () => {
      exports.push({ path: request.url ?? '', headers: request.headers })
      if (status === 'never') return
      if (status === 200) {
        const sent = Buffer.concat(pieces)
        const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
        if (request.url === '/v1/logs') logs.push(...decodeLogs(body))
        else if (request.url === '/v1/metrics') metrics.push(...decodeMetrics(body))
        else spans.push(...decode(body))
      }
      response.writeHead(status).end(answerBody)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const port = portOf(server)
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    ...{ spans, logs, metrics, exports },
    answer: (next, body = Buffer.alloc(0)) => {
      status = next
      answerBody = body
    },
    find: (what, is) => eventually(what, () => spans.find(is)),
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

function decode(body: Buffer): readonly CollectedSpan[] {
  const plainRequest = Request.toObject(Request.decode(body), { longs: String, bytes: Array })
  const { resourceSpans } = Decoded.parse(hexIds(plainRequest))
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(scope =>
      scope.spans.map(span => ({
        ...span,
        service: resource.attributes['service.name'],
        resource: resource.attributes,
      })),
    ),
  )
}

/** Ids come as lists of bytes. */
function hexIds(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length > 0 && value.every(byte => typeof byte === 'number')
      ? Buffer.from(value).toString('hex')
      : value.map(hexIds)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hexIds(inner)]))
}

function plain(value: z.infer<typeof Value>): unknown {
  const { stringValue, boolValue, intValue, arrayValue } = value
  if (arrayValue !== undefined) return arrayValue.values.map(one => one.stringValue)
  return stringValue ?? boolValue ?? (intValue === undefined ? undefined : Number(intValue))
}
