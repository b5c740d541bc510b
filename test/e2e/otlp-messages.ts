import protobuf from 'protobufjs'
import { z } from 'zod'

/** What we read of opentelemetry/proto/collector/{logs,metrics}/v1, by their field numbers. */
const definitions = `
syntax = "proto3";
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message ScopeLogs { repeated LogRecord log_records = 2; }
message LogRecord {
  fixed64 time_unix_nano = 1;
  int32 severity_number = 2;
  string severity_text = 3;
  AnyValue body = 5;
  repeated KeyValue attributes = 6;
  bytes trace_id = 9;
  bytes span_id = 10;
  fixed64 observed_time_unix_nano = 11;
  string event_name = 12;
}
message ExportMetricsServiceRequest { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric {
  string name = 1;
  string description = 2;
  string unit = 3;
  oneof data { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; }
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message NumberDataPoint {
  fixed64 start_time_unix_nano = 2;
  fixed64 time_unix_nano = 3;
  double as_double = 4;
  repeated KeyValue attributes = 7;
}
message HistogramDataPoint {
  fixed64 start_time_unix_nano = 2;
  fixed64 time_unix_nano = 3;
  fixed64 count = 4;
  double sum = 5;
  repeated fixed64 bucket_counts = 6;
  repeated double explicit_bounds = 7;
  repeated KeyValue attributes = 9;
}
message ExportLogsServiceResponse { LogsPartialSuccess partial_success = 1; }
message LogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
message Resource { repeated KeyValue attributes = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    string string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    ArrayValue array_value = 5;
    KeyValueList kvlist_value = 6;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
`
const { root } = protobuf.parse(definitions)
const LogsRequest = root.lookupType('ExportLogsServiceRequest')
const LogsResponse = root.lookupType('ExportLogsServiceResponse')
const MetricsRequest = root.lookupType('ExportMetricsServiceRequest')

const Attributes = z
  .array(z.object({ key: z.string(), value: z.unknown() }))
  .default([])
  .transform(list => Object.fromEntries(list.map(({ key, value }) => [key, plain(value)])))
const Resource = z.object({ attributes: Attributes })
const nanoseconds = z.string().transform(BigInt)
const hex = z
  .custom<Uint8Array>(value => value instanceof Uint8Array)
  .transform(bytes => Buffer.from(bytes).toString('hex'))
  .default('')

const Logs = z.object({
  resourceLogs: z.array(
    z.object({
      resource: Resource,
      scopeLogs: z.array(
        z.object({
          logRecords: z.array(
            z.object({
              timeUnixNano: nanoseconds,
              observedTimeUnixNano: nanoseconds,
              severityNumber: z.number(),
              severityText: z.string(),
              body: z.unknown().transform(plain),
              attributes: Attributes,
              traceId: hex,
              spanId: hex,
              eventName: z.string().default(''),
            }),
          ),
        }),
      ),
    }),
  ),
})

const numberPoint = z.object({
  startTimeUnixNano: nanoseconds,
  timeUnixNano: nanoseconds,
  attributes: Attributes,
  asDouble: z.number().default(0),
})
const histogramPoint = z.object({
  startTimeUnixNano: nanoseconds,
  timeUnixNano: nanoseconds,
  attributes: Attributes,
  count: z.string().transform(Number),
  sum: z.number(),
  bucketCounts: z.array(z.string().transform(Number)),
  explicitBounds: z.array(z.number()),
})
const Metrics = z.object({
  resourceMetrics: z.array(
    z.object({
      resource: Resource,
      scopeMetrics: z.array(
        z.object({
          metrics: z.array(
            z.object({
              name: z.string(),
              description: z.string(),
              unit: z.string().default(''),
              gauge: z.object({ dataPoints: z.array(numberPoint) }).optional(),
              sum: z
                .object({
                  dataPoints: z.array(numberPoint),
                  aggregationTemporality: z.number(),
                  isMonotonic: z.boolean().default(false),
                })
                .optional(),
              histogram: z
                .object({ dataPoints: z.array(histogramPoint), aggregationTemporality: z.number() })
                .optional(),
            }),
          ),
        }),
      ),
    }),
  ),
})

type LogRecord = z.infer<typeof Logs>['resourceLogs'][number]['scopeLogs'][number]['logRecords'][number]
/** Ids in hex; times in nanoseconds since the epoch. */
export type CollectedLog = LogRecord & { readonly resource: Readonly<Record<string, unknown>> }
type Metric = z.infer<typeof Metrics>['resourceMetrics'][number]['scopeMetrics'][number]['metrics'][number]
export type CollectedMetric = Metric & { readonly resource: Readonly<Record<string, unknown>> }

export function decodeLogs(body: Buffer): readonly CollectedLog[] {
  const { resourceLogs } = Logs.parse(LogsRequest.toObject(LogsRequest.decode(body), { longs: String }))
  return resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) => logRecords.map(one => ({ ...one, resource: resource.attributes }))),
  )
}

export function decodeMetrics(body: Buffer): readonly CollectedMetric[] {
  const { resourceMetrics } = Metrics.parse(MetricsRequest.toObject(MetricsRequest.decode(body), { longs: String }))
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics.map(one => ({ ...one, resource: resource.attributes }))),
  )
}

/** What a collector answers that wants some of the records no more. */
export function rejectedLogs(count: number): Buffer {
  return Buffer.from(LogsResponse.encode({ partialSuccess: { rejectedLogRecords: count } }).finish())
}

interface Value {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values?: readonly unknown[] }
  readonly kvlistValue?: { readonly values?: readonly { readonly key: string; readonly value: unknown }[] }
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue }: Value = value
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(plain)
  if (kvlistValue !== undefined)
    return Object.fromEntries((kvlistValue.values ?? []).map(one => [one.key, plain(one.value)]))
  return stringValue ?? boolValue ?? doubleValue ?? (intValue === undefined ? undefined : Number(intValue))
}
