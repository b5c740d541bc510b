import { availableParallelism } from 'node:os'
import type { Config } from './config/config.js'
import { Admission } from './decision/admission.js'
import { bytesInUse, defaultMemoryBytes } from './decision/admission-memory.js'
import type { RefusedWork } from './decision/admission-refusals.js'
import { limitRepeats } from './telemetry/limit-repeats.js'
import type { Logging } from './telemetry/logger.js'
import type { OverloadSample } from './telemetry/overload-metrics.js'

export interface AdmissionParts {
  readonly admission: Admission
  sample(): OverloadSample
  /** For readiness: what work is refused for at the moment. */
  problems(): readonly string[]
}

/** @param onRefused must not throw */
export function createAdmission(
  { overload, workers }: Pick<Config, 'overload' | 'workers'>,
  logging: Logging,
  onRefused: (refused: RefusedWork) => void,
): AdmissionParts {
  const log = logging.subsystem('decision')
  const count = workers === 'auto' ? availableParallelism() : workers
  // With workers there is one process more, which has the policies as well.
  const limitBytes = overload.memoryBytes ?? defaultMemoryBytes(undefined, undefined, count > 1 ? count + 1 : 1)
  const changed = limitRepeats((message, suppressed) => log.warn(message, { ...(suppressed > 0 && { suppressed }) }))
  const refusing = limitRepeats((message, suppressed) => log.warn(message, { ...(suppressed > 0 && { suppressed }) }), {
    burst: 1,
  })
  const admission = new Admission({
    maxTurnMs: overload.maxTurnMs,
    memory: {
      limitBytes,
      onChange: above =>
        changed(
          above
            ? 'more memory is in use than overload.memoryBytes: new requests are refused until it is less'
            : 'there is memory again: requests are taken',
        ),
    },
    onRefused: refused => {
      if (refused.cause === 'event_loop')
        refusing('more requests come than can be judged within overload.maxTurnMs: some are refused')
      onRefused(refused)
    },
  })
  return {
    admission,
    sample: () => ({
      inFlight: admission.inFlight,
      memoryUsedBytes: bytesInUse(),
      memoryLimitBytes: limitBytes,
    }),
    problems: () =>
      admission.memory.above ? ['overload: more memory is in use than overload.memoryBytes; requests are refused'] : [],
  }
}
