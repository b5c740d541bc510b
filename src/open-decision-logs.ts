import { readFileSync } from 'node:fs'
import type { Config } from './config/config.js'
import {
  createDecisionLog,
  type DecisionLog,
  type DecisionLogTarget,
  openDecisionLogFile,
} from './telemetry/decision-log.js'
import { chainKey } from './telemetry/log-chain.js'
import type { Logging } from './telemetry/logger.js'

/**
 * The sinks of decision records that the configuration names. Throws when a file cannot be opened, or a key not be read.
 * @param target where records go that the configuration sends to stdout
 */
export function openDecisionLogs(
  { decisionLog }: Pick<Config, 'decisionLog'>,
  logging: Logging,
  target: DecisionLogTarget,
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
  return chain ? sinks.map(sink => tellingItsEnd(sink, logging)) : sinks
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
    get sealed() {
      return sink.sealed
    },
  }
}
