import { type DestinationStream, destination, type Logger as Pino, pino } from 'pino'
import { toLoggedError } from './log-error.js'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Who speaks. One word per room or door. */
export type Subsystem =
  | 'service'
  | 'config'
  | 'policy'
  | 'identity'
  | 'rbac'
  | 'kube'
  | 'decision'
  | 'upstream'
  | 'ext-authz'
  | 'ext-proc'
  | 'ext-mcp'
  | 'authzen'
  | 'http'
  | 'admin'
  | 'telemetry'

/**
 * Everything that a line may carry beside its message. The set is closed: there is no field for a token, a claim, a
 * header, an argument or a body, so none can be logged by mistake.
 */
export interface LogFields {
  readonly listener?: string
  readonly address?: string
  readonly server?: string
  readonly issuer?: string
  readonly cluster?: string
  /** `Kind/name` of a policy document. */
  readonly policy?: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly revision?: string
  /** Reason code. */
  readonly reason?: string
  readonly decisionId?: string
  /** 32 hex digits: of the trace in which it happened. */
  readonly traceId?: string
  readonly count?: number
  readonly durationMs?: number
  /** How often a line like this was left out since the last one. */
  readonly suppressed?: number
  /** Only its type, code and place are written, never its message. */
  readonly error?: unknown
}

export type Logger = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>

export interface Logging {
  subsystem(name: Subsystem): Logger
  /** Writes what is buffered, waiting for it. */
  flush(): void
}

const maxText = 1024

/** Where lines go; {@link createLogging} writes to it without waiting. */
export type LogStream = DestinationStream & { flushSync?(): void }

/** Lines that wait for a slow reader, in bytes; beyond it they are dropped, because a log must not hold up requests. */
const maxBuffered = 4 * 1024 * 1024

/** Bytes of a write that nobody's else gets into: processes of one service share the pipe (POSIX, PIPE_BUF on Linux). */
const atomicWrite = 4096

const nowhere: LogStream = { write: () => undefined }

function standardError(): LogStream {
  const stream = destination({ fd: 2, sync: false, maxLength: maxBuffered, maxWrite: atomicWrite })
  process.once('exit', () => stream.flushSync())
  return stream
}

/**
 * Structured logs on stderr, one JSON object per line, because stdout belongs to the decision log.
 * @param worker number of this process among those of a service; each line says it. Default: it is the only one, or the primary
 */
export function createLogging(
  level: LogLevel | 'silent' = 'info',
  stream: LogStream = level === 'silent' ? nowhere : standardError(),
  worker?: number,
): Logging {
  const root = pino(
    {
      level,
      base: worker === undefined ? {} : { worker },
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    stream,
  )
  return {
    subsystem: name => createSubsystemLogger(root.child({ subsystem: name })),
    flush: () => stream.flushSync?.(),
  }
}

function createSubsystemLogger(target: Pino): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (target.isLevelEnabled(level))
      target[level](fields === undefined ? {} : closed(fields), message.slice(0, maxText))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Picks field by field: a wider object that happens to fit the type does not bring its other members along. */
function closed(fields: LogFields): Record<string, unknown> {
  const { listener, address, server, issuer, cluster, policy, file, revision, reason, decisionId, traceId } = fields
  const { line, column, count, durationMs, suppressed, error } = fields
  const texts = { listener, address, server, issuer, cluster, policy, file, revision, reason, decisionId, traceId }
  const picked: Record<string, unknown> = { line, column, count, durationMs, suppressed }
  for (const [key, value] of Object.entries(texts)) if (value !== undefined) picked[key] = value.slice(0, maxText)
  if (error !== undefined) picked.error = toLoggedError(error)
  return picked
}
