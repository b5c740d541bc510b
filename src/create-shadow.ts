import type { Config } from './config/config.js'
import type { Decided } from './decision/create-decide.js'
import type { Finding } from './documents/finding.js'
import { formatFinding } from './documents/format-finding.js'
import type { AssembleContext } from './policy/assemble-snapshot.js'
import type { CompileOptions } from './policy/compile-document.js'
import { createDirectorySource } from './policy/directory-source.js'
import type { PolicyStore } from './policy/policy-store.js'
import type { PolicySource } from './policy/source.js'
import { reportFinding } from './report-finding.js'
import type { Compared } from './shadow/shadow-judge.js'
import { ShadowJudge } from './shadow/shadow-judge.js'
import { shadowLine } from './shadow/shadow-record.js'
import { type ShadowReport, ShadowSet } from './shadow/shadow-set.js'
import { limitRepeats } from './telemetry/limit-repeats.js'
import type { Logging } from './telemetry/logger.js'
import type { Metrics } from './telemetry/metrics.js'

export interface ShadowParts {
  /** Loads what there is, and watches it. */
  start(): void
  stop(): void
  /** To be told of each load of the policies in force. */
  rebase(): void
  /** To be told of each decision, after it was made. */
  decided(decided: Decided): void
  /** Requests are refused at the moment because there is too much to do. */
  overloaded(): void
  /** For readiness. */
  problems(): readonly string[]
  readonly report: ShadowReport
}

export interface ShadowOptions {
  readonly config: Pick<Config, 'shadow'>
  readonly logging: Logging
  readonly metrics: Pick<Metrics, 'shadow'>
  readonly store: Pick<PolicyStore, 'current' | 'input'>
  /** ConfigMaps of the shadow. */
  readonly sources: readonly PolicySource[]
  readonly compile: CompileOptions
  readonly assemble: AssembleContext
  /** Takes the record of a difference. Must not throw. */
  onDifference(compared: Compared, line: string): void
}

/** Milliseconds after a refusal in which nothing is judged twice. */
const restMs = 1000
const mostProblems = 20

/** The policies that are tried beside those in force; undefined where the configuration has none. */
export function createShadow(options: ShadowOptions): ShadowParts | undefined {
  const { logging, metrics, store, onDifference } = options
  const { shadow } = options.config
  if (shadow === undefined) return undefined
  const log = logging.subsystem('policy')
  const failed = (message: string) => {
    let last: unknown
    const tell = limitRepeats(() => log.error(message, { error: last }))
    return (error: unknown) => {
      last = error
      tell(message)
    }
  }
  const notLooked = failed('the shadow policies could not be looked at; those that were tried stay')
  let said: ReadonlySet<string> = new Set()
  const set = new ShadowSet({
    ...{ compile: options.compile, assemble: options.assemble },
    sources: [...shadowDirectories(shadow), ...options.sources],
    inForce: () => {
      const { current, input } = store
      return current === undefined || input === undefined ? undefined : { snapshot: current, input }
    },
    onLoaded: ({ revision, documents, broken, findings }) => {
      const fresh = findings.filter(finding => !said.has(formatFinding(finding)))
      said = new Set(findings.map(formatFinding))
      // What is broken there breaks nothing: whoever is woken by errors is not to be woken by it.
      for (const finding of fresh) reportFinding(log, { ...inShadow(finding), severity: 'warning' })
      const count = documents.filter(({ state }) => state in laidStates).length
      metrics.shadow.loaded({ documents: count, broken: broken.length })
      log.info('shadow policies loaded: they are compared and not enforced', { revision, count })
    },
    onError: notLooked,
  })
  let overloadedAt = Number.NEGATIVE_INFINITY
  const judge = new ShadowJudge({
    pair: () => set.current,
    sample: shadow.sample,
    busy: () => performance.now() - overloadedAt < restMs,
    onCompared: compared => {
      metrics.shadow.compared(compared.server, compared.result)
      const { result } = compared
      if (result !== 'same' && result !== 'failed') onDifference(compared, shadowLine(compared, Date.now()))
    },
    onDropped: cause => metrics.shadow.dropped(cause),
    onBug: failed('a request could not be judged by the shadow policies; its decision is not affected'),
  })
  return {
    start() {
      try {
        set.load()
      } catch (error) {
        // What is in force does not wait for what is only tried.
        notLooked(error)
      }
      set.watch()
    },
    stop() {
      set.stop()
      judge.stop()
    },
    rebase: () => set.rebase(),
    decided: decided => judge.decided(decided),
    overloaded() {
      overloadedAt = performance.now()
    },
    problems() {
      const { broken } = set.report
      const told = broken.slice(0, mostProblems).map(name => `shadow: ${name} is broken, and is not tried`)
      return broken.length > mostProblems ? [...told, `shadow: ${broken.length - mostProblems} more are broken`] : told
    },
    get report() {
      return set.report
    },
  }
}

/** Directories, as sources of policies. */
export function shadowDirectories({ sources }: NonNullable<Config['shadow']>): readonly PolicySource[] {
  return sources.flatMap(source => (source.from === 'directory' ? [createDirectorySource(source)] : []))
}

const laidStates = { added: true, replaces: true, same: true, removes: true } as const

export function inShadow(finding: Finding): Finding {
  return { ...finding, message: `in the shadow: ${finding.message}` }
}
