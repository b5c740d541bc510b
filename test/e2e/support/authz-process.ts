import { join } from 'node:path'
import { z } from 'zod'
import { type Child, type ChildExit, startChild } from '../../../src/demo/child-process.js'
import { httpReady } from '../../../src/demo/http-ready.js'
import { resumeProcess, suspendProcess } from '../../../src/demo/suspend-process.js'
import { packageRoot } from '../../../src/package-root.js'
import { chosenTransport } from './chosen-transport.js'
import { eventually } from './eventually.js'

const failure = { reason: z.string(), policy: z.string().optional(), policy_reason: z.string().optional() }

/** What the suites read of a decision record. */
const DecisionRecord = z.looseObject({
  version: z.literal('mcp-authz.dev/decision/v1'),
  decision_id: z.string(),
  mode: z.enum(['enforce', 'audit']),
  decision: z.enum(['allow', 'deny', 'respond']),
  ...failure,
  reason: z.string().optional(),
  would_deny: z.array(z.object(failure)).optional(),
  policy_revision: z.string().optional(),
  server: z.string().optional(),
  subject: z.looseObject({ kind: z.string(), user: z.string(), groups: z.array(z.string()) }).optional(),
  agent: z.object({ id: z.string(), issuer: z.string(), assurance: z.string() }).optional(),
  actors: z.array(z.string()).optional(),
  chain_id: z.string().optional(),
  tenant: z.string().optional(),
  mcp: z.looseObject({ method: z.string(), kind: z.string(), era: z.string() }).optional(),
  policies: z.array(z.string()).optional(),
})
export type DecisionRecord = z.infer<typeof DecisionRecord>

/** What the suites read of a record about a result. */
const ResultRecord = z.looseObject({
  version: z.literal('mcp-authz.dev/result/v1'),
  decision_id: z.string(),
  result: z.enum(['withheld', 'redacted', 'passed']),
})
export type ResultRecord = z.infer<typeof ResultRecord>

const outcome = z.looseObject({
  decision: z.enum(['allow', 'deny', 'respond']),
  ...failure,
  reason: z.string().optional(),
})
/** What the suites read of a record about what the shadow would have decided. */
const ShadowRecord = z.looseObject({
  version: z.literal('mcp-authz.dev/shadow/v1'),
  decision_id: z.string(),
  result: z.enum(['tightened', 'weakened', 'changed']),
  policy_revision: z.string(),
  shadow_revision: z.string(),
  decided: outcome,
  shadow: outcome,
})
export type ShadowRecord = z.infer<typeof ShadowRecord>

const LogRecord = z.looseObject({ version: z.literal('mcp-authz.dev/log/v1') })

const LogLine = z.looseObject({
  level: z.string(),
  subsystem: z.string(),
  message: z.string(),
  file: z.string().optional(),
  line: z.number().optional(),
  policy: z.string().optional(),
})
export type LogLine = z.infer<typeof LogLine>

const Readiness = z.object({ status: z.string(), reasons: z.array(z.string()) })

export interface AuthzProcess {
  readonly child: Child
  /** Every decision record so far, in order. */
  readonly records: readonly DecisionRecord[]
  /** Every record about a result so far, in order. */
  readonly results: readonly ResultRecord[]
  /** Every record of what the shadow would have decided so far, in order. */
  readonly differences: readonly ShadowRecord[]
  /** Every line of the log so far, in order. */
  readonly logs: readonly LogLine[]
  /** The record of one decision; waits until it is written. */
  record(decisionId: string): Promise<DecisionRecord>
  readiness(): Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }>
  untilReady(): Promise<void>
  signal(name: 'SIGTERM' | 'SIGKILL'): void
  /** It answers nothing and its connections stay open, from when the promise resolves until it resumes. */
  pause(): Promise<void>
  resume(): void
  stop(): Promise<ChildExit>
}

export interface AuthzProcessOptions {
  /** Path of the Config document. */
  readonly config: string
  readonly httpPort: number
}

/** `mcp-authz serve` as users start it, from dist/. Resolves when its HTTP port answers; it need not be ready then. */
export async function startAuthzProcess({ config, httpPort }: AuthzProcessOptions): Promise<AuthzProcess> {
  const records: DecisionRecord[] = []
  const results: ResultRecord[] = []
  const differences: ShadowRecord[] = []
  const logs: LogLine[] = []
  const http = `http://127.0.0.1:${httpPort}`
  const child = await startChild({
    name: 'mcp-authz',
    command: process.execPath,
    args: [join(packageRoot, 'dist', 'cli', 'main.js'), 'serve', '--config', config],
    env: chosenTransport(config),
    onLine: line => {
      if (!line.startsWith('{')) return
      const value: unknown = JSON.parse(line)
      // What the decision log says of itself.
      if (line.startsWith('{"version":"mcp-authz.dev/log/v1"')) return
      const record = DecisionRecord.safeParse(value)
      const result = ResultRecord.safeParse(value)
      if (record.success) records.push(record.data)
      else if (result.success) results.push(result.data)
      // What the decision log says of itself.
      else if (LogRecord.safeParse(value).success) return
      else if (ShadowRecord.safeParse(value).success) differences.push(ShadowRecord.parse(value))
      else logs.push(LogLine.parse(value))
    },
  })
  const signal: AuthzProcess['signal'] = name => void process.kill(child.pid, name)
  const running: AuthzProcess = {
    child,
    records,
    results,
    differences,
    logs,
    record: id => eventually(`the record of decision ${id}`, () => records.find(one => one.decision_id === id)),
    async readiness() {
      const response = await fetch(`${http}/readyz`, { signal: AbortSignal.timeout(5_000) })
      return { ready: response.ok, reasons: Readiness.parse(await response.json()).reasons }
    },
    untilReady: () => child.waitUntilReady(httpReady(`${http}/readyz`)),
    signal,
    pause: () => suspendProcess(child.pid),
    resume: () => resumeProcess(child.pid),
    async stop() {
      // A stopped process does not take the request to end.
      resumeProcess(child.pid)
      return child.stop()
    },
  }
  try {
    await child.waitUntilReady(httpReady(`${http}/healthz`))
  } catch (cause) {
    await running.stop()
    throw cause
  }
  return running
}
