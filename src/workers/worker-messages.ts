import * as z from 'zod'
import type { Config } from '../config/config.js'
import type { MetricValues } from '../telemetry/metrics.js'

/** Where a listener of the service is reached. */
export type ListenerAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export interface WorkerState {
  readonly ready: boolean
  /** What it lacks, one line each. */
  readonly reasons: readonly string[]
}

/** Both ends are this program in one version, so that only the outer shape is looked at. */
const trusted = <T>() => z.custom<T>(value => typeof value === 'object' && value !== null)

const toWorker = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    number: z.int(),
    /** The primary's own, so that a file that changes meanwhile does not divide them. */
    config: trusted<Config>(),
    listeners: z.array(trusted<ListenerAddress>()),
    /** The doors stay closed until it is ready, or for this many milliseconds; 0 opens them at once. */
    openWithinMs: z.number(),
  }),
  /** Comes with a socket. */
  z.object({ type: z.literal('connection'), id: z.number(), listener: z.int() }),
  z.object({ type: z.literal('collect'), id: z.number() }),
  /** Health says NOT_SERVING from now on. */
  z.object({ type: z.literal('retire') }),
  z.object({ type: z.literal('stop') }),
])
export type ToWorker = z.infer<typeof toWorker>

const fromWorker = z.discriminatedUnion('type', [
  z.object({ type: z.literal('opened') }),
  z.object({ type: z.literal('failed'), message: z.string() }),
  z.object({ type: z.literal('state'), ready: z.boolean(), reasons: z.array(z.string()) }),
  /** A connection arrived, and belongs to the worker alone. */
  z.object({ type: z.literal('taken'), id: z.number() }),
  /** A connection arrived for a door that is closed; it was not touched. */
  z.object({ type: z.literal('refused'), id: z.number() }),
  /** A connection that was taken is over. */
  z.object({ type: z.literal('closed') }),
  z.object({ type: z.literal('metrics'), id: z.number(), values: z.array(trusted<MetricValues>()) }),
])
export type FromWorker = z.infer<typeof fromWorker>

/** undefined for what is none of ours, such as messages of libraries. */
export function readToWorker(message: unknown): ToWorker | undefined {
  return toWorker.safeParse(message).data
}

export function readFromWorker(message: unknown): FromWorker | undefined {
  return fromWorker.safeParse(message).data
}
