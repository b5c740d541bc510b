import { readFileSync } from 'node:fs'
import type { Config } from './config/config.js'
import { openKubernetesRecords } from './open-kubernetes-records.js'
import {
  createDecisionLog,
  type DecisionLog,
  type DecisionLogTarget,
  openDecisionLogFile,
} from './telemetry/decision-log.js'
import { chainKey } from './telemetry/log-chain.js'
import type { Logging } from './telemetry/logger.js'
import { openOtlpRecords } from './telemetry/record-sinks/open-otlp-records.js'

/**
 * The sinks of decision records that the configuration names. Throws when a file cannot be opened, or a key not be read.
 * @param target where records go that the configuration sends to stdout
 * @param env read: OTEL_*, by which records go to a collector as well. Default: the environment of this process
 */
export function openDecisionLogs(
  { decisionLog, shutdown }: Pick<Config, 'decisionLog' | 'shutdown'>,
  logging: Logging,
  target: DecisionLogTarget,
  env: Readonly<Record<string, string | undefined>> = process.env,
): readonly DecisionLog[] {
  const { stdout, file, maxBufferedBytes, rotate, chain, chainKeyFile } = decisionLog
  const log = logging.subsystem('telemetry')
  if (decisionLog.arguments.mode !== 'none')
    log.warn(
      `arguments are recorded (decisionLog.arguments.mode: ${decisionLog.arguments.mode}): whoever reads the decision log reads them`,
    )
  const key = chainKeyFile === undefined ? undefined : chainKey(readFileSync(chainKeyFile))
  const options = {
    maxBufferedBytes,
    ...(chain && { chain: { ...(key !== undefined && { key }) } }),
    onError: (error: unknown) => log.error('decision records could not be written', { error }),
  }
  const sinks = [
    ...(stdout ? [createDecisionLog(target, options)] : []),
    ...(file === undefined ? [] : [openDecisionLogFile(file, { ...options, ...(rotate !== undefined && { rotate }) })]),
  ]
  const flushMs = Math.max(1000, shutdown.drainMs)
  const otlp = openOtlpRecords(env, log, { maxBufferedBytes, flushMs })
  return [
    ...(chain ? sinks.map(sink => tellingItsEnd(sink, logging)) : sinks),
    ...(otlp === undefined ? [] : [otlp]),
    ...(decisionLog.kubernetes === undefined ? [] : [openKubernetesRecords(decisionLog.kubernetes, log, flushMs)]),
  ]
}

/** The end of a chain is told elsewhere: only that shows later that nothing was cut off. */
function tellingItsEnd(sink: DecisionLog, logging: Logging): DecisionLog {
  return {
    write: line => sink.write(line),
    close: async limitMs => {
      await sink.close(limitMs)
      const { sealed } = sink
      if (sealed !== undefined && sealed.lines > 0)
        logging
          .subsystem('telemetry')
          .info(
            `the decision log ends: chain ${sealed.chain}, last line ${sealed.lines - 1} with digest ${sealed.digest}`,
          )
    },
    get dropped() {
      return sink.dropped
    },
    get waitingBytes() {
      return sink.waitingBytes ?? 0
    },
    get sealed() {
      return sink.sealed
    },
  }
}
