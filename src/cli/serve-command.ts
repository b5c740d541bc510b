import { availableParallelism } from 'node:os'
import type { Config } from '../config/config.js'
import { createService, type ServiceOptions } from '../service.js'
import { createLogging } from '../telemetry/logger.js'
import type { Command, CommandIo, ExitCode } from './command.js'
import { configFlags, configHelp, readConfig } from './load-policies.js'
import { parseFlags } from './parse-flags.js'
import { startWorker } from './start-worker.js'

const help = `Usage: mcp-authz serve [--config FILE] [--policies DIR]... [--workers N]

Answers gateways until it is told to stop (SIGTERM or SIGINT): then it turns unready, finishes what is in flight, and
ends. Decision records go to stdout as one JSON line each, logs to stderr.

${configHelp}
  --workers N           processes that decide; auto: one per core (default: spec.workers, else 1)

Example:
  mcp-authz serve --policies policies/demo --set identity.insecureLoopbackIssuers=true`

export const serveCommand: Command = { name: 'serve', summary: 'answer gateways', help, run: serve }

async function serve(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values } = parseFlags(args, { ...configFlags, workers: { type: 'string' } })
  const set = [...(values.set ?? []), ...(values.workers === undefined ? [] : [`workers=${values.workers}`])]
  const config = readConfig({ ...values, set }, io)
  const service = createService({ config, logging: createLogging(config.log.level), ...partOf(config) })
  const told = new Promise<void>(resolve => {
    if (io.signal.aborted) resolve()
    else io.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const started = service.start()
  // Whoever stops it need not wait until it has started.
  await Promise.race([started, told])
  await told
  await service.stop()
  await started.catch(() => undefined)
  return 0
}

/** One process is all of it unless more are wanted. */
function partOf({ workers }: Config): Pick<ServiceOptions, 'part'> {
  const count = workers === 'auto' ? availableParallelism() : workers
  return count === 1 ? {} : { part: { role: 'primary', workers: count, launch: startWorker } }
}
