import { envoy } from '../../../gen/wire.js'

export const bodyModes = envoy.extensions.filters.http.ext_proc.v3.ProcessingMode.BodySendMode
const { NONE, STREAMED, BUFFERED, BUFFERED_PARTIAL, FULL_DUPLEX_STREAMED } = bodyModes

/** How the gateway shows a body: `ProcessingMode.BodySendMode`. */
export type BodyMode = envoy.extensions.filters.http.ext_proc.v3.ProcessingMode.BodySendMode

/** What a processor wants of a body. */
export type Wanted = 'pass' | 'judge' | 'buffer' | 'stream'

export interface PlanOptions {
  readonly configured: BodyMode
  readonly wanted: Wanted
  /** The gateway follows an override. */
  readonly overridable: boolean
  /** Who buffers where the configuration leaves it open. */
  readonly bufferAs: BodyMode
}

/** undefined: there is no way to show the processor what it wants. */
export type BodyPlan = { readonly mode: BodyMode; readonly override: boolean } | undefined

/** False for modes that we do not know, such as the one for gRPC. */
export function isBodyMode(mode: number): mode is BodyMode {
  return (
    mode === NONE ||
    mode === STREAMED ||
    mode === BUFFERED ||
    mode === BUFFERED_PARTIAL ||
    mode === FULL_DUPLEX_STREAMED
  )
}

/** Which mode a body is to come in, and whether the gateway must be told. */
export function planBody({ configured, wanted, overridable, bufferAs }: PlanOptions): BodyPlan {
  // An override that the gateway does not follow would let the message go on unseen.
  if (wanted === 'judge') {
    const waits = configured === BUFFERED || configured === FULL_DUPLEX_STREAMED
    return waits ? { mode: configured, override: false } : undefined
  }
  if (configured === FULL_DUPLEX_STREAMED) return { mode: configured, override: false }
  const best = bestMode(configured, wanted, bufferAs)
  if (best === configured) return { mode: configured, override: false }
  if (overridable) return { mode: best, override: true }
  // A body that nobody shows cannot be judged. A partial one is refused later, if it turns out not to be whole.
  return configured === NONE ? undefined : { mode: configured, override: false }
}

function bestMode(configured: BodyMode, wanted: Wanted, bufferAs: BodyMode): BodyMode {
  switch (wanted) {
    case 'pass':
      return NONE
    case 'judge':
    case 'buffer':
      return bufferAs
    case 'stream':
      return configured === STREAMED ? STREAMED : FULL_DUPLEX_STREAMED
  }
}
