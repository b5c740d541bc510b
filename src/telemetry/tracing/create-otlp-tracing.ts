import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  ParentBasedSampler,
  type Sampler as SdkSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import { packageVersion } from '../../package-version.js'
import { createOtlpClient } from '../otlp/otlp-client.js'
import { otlpResource } from '../otlp/otlp-resource.js'
import { retryDelay } from '../otlp/retry-delay.js'
import { createDecisionTracer } from './create-decision-tracer.js'
import type { StartedTracing } from './create-tracing.js'
import { SpanQueue } from './span-queue.js'
import type { Sampler, TracingSettings } from './tracing-settings.js'

export interface OtlpTracingEvents {
  onFailed(error: unknown): void
  onError(error: unknown): void
}

/** How often a batch of spans is sent before it is lost. */
const attempts = 3

/** The SDK with a queue and a client of our own. Nothing is registered globally. Throws when a certificate cannot be read. */
export function createOtlpTracing(settings: TracingSettings, events: OtlpTracingEvents): StartedTracing {
  const { sampler } = settings
  const client = createOtlpClient(settings, settings.queue.exportMs)
  const queue = new SpanQueue({
    ...settings.queue,
    async send(spans) {
      const message = ProtobufTraceSerializer.serializeRequest(spans)
      const answer = message && (await client.post(message))
      return answer?.ok ? undefined : (answer?.error ?? new Error('not exported'))
    },
    retryMs: (error, failures) => retryDelay(error, failures, { attempts }),
    onFailed: events.onFailed,
  })
  const provider = new BasicTracerProvider({
    resource: otlpResource(settings),
    sampler: sdkSampler(sampler),
    spanProcessors: [queue],
  })
  return {
    tracer: createDecisionTracer({
      tracer: provider.getTracer('mcp-authz', packageVersion),
      parentBased: sampler.parentBased,
      onError: events.onError,
    }),
    counts: () => queue.counts,
    async stop(limitMs) {
      await queue.stop(limitMs)
      // An export that still hangs must not keep the process.
      client.close()
    },
  }
}

function sdkSampler({ parentBased, ratio }: Sampler): SdkSampler {
  const root =
    ratio === 1 ? new AlwaysOnSampler() : ratio === 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
  return parentBased ? new ParentBasedSampler({ root }) : root
}
