import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { hostname } from 'node:os'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  ParentBasedSampler,
  type Sampler as SdkSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import { packageVersion } from '../build-info.js'
import { createDecisionTracer } from './create-decision-tracer.js'
import type { StartedTracing } from './create-tracing.js'
import { SpanQueue } from './span-queue.js'
import type { Sampler, TracingSettings } from './tracing-settings.js'

export interface OtlpTracingEvents {
  onFailed(error: unknown): void
  onError(error: unknown): void
}

/**
 * The SDK with one exporter, which reads by itself how it is to compress. Nothing is registered globally. Throws when a
 * certificate cannot be read.
 */
export function createOtlpTracing(settings: TracingSettings, events: OtlpTracingEvents): StartedTracing {
  const { url, headers, timeoutMs, sampler } = settings
  const agent = createAgent(settings)
  const exporter = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    httpAgentOptions: () => agent,
  })
  const queue = new SpanQueue({ ...settings.queue, exporter, onFailed: events.onFailed })
  const provider = new BasicTracerProvider({
    resource: resourceOf(settings),
    sampler: sdkSampler(sampler),
    spanProcessors: [queue],
  })
  return {
    tracer: createDecisionTracer({
      tracer: provider.getTracer('mcp-authz', packageVersion()),
      parentBased: sampler.parentBased,
      onError: events.onError,
    }),
    counts: () => queue.counts,
    async stop(limitMs) {
      await queue.stop(limitMs)
      // An export that still hangs must not keep the process.
      agent.destroy()
    },
  }
}

function createAgent({ url, tls }: TracingSettings): HttpAgent | HttpsAgent {
  if (!/^https:/i.test(url)) return new HttpAgent({ keepAlive: true, maxSockets: 1 })
  const { ca, cert, key } = tls
  return new HttpsAgent({
    keepAlive: true,
    maxSockets: 1,
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
  })
}

function sdkSampler({ parentBased, ratio }: Sampler): SdkSampler {
  const root =
    ratio === 1 ? new AlwaysOnSampler() : ratio === 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
  return parentBased ? new ParentBasedSampler({ root }) : root
}

function resourceOf({ resource }: TracingSettings): Resource {
  const ours = {
    'service.name': 'mcp-authz',
    'service.version': packageVersion(),
    'service.instance.id': randomUUID(),
    'host.name': hostname(),
  }
  return defaultResource().merge(resourceFromAttributes({ ...ours, ...resource }))
}
