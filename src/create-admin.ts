import type { Config, ConfigAdmin } from './config/config.js'
import { effectiveConfig } from './config/effective-config.js'
import type { Decided } from './decision/create-decide.js'
import { PolicyHistory } from './describe-policies.js'
import { type AdminDoor, createAdminDoor } from './doors/http/admin/admin-door.js'
import type { Readiness } from './doors/http/http-door.js'
import { explainRequest } from './explain-request.js'
import { packageVersion } from './package-version.js'
import type { LoadReport, PolicyStore } from './policy/policy-store.js'
import type { ShadowReport } from './shadow/shadow-set.js'
import type { Metrics } from './telemetry/metrics.js'
import { RecentDecisions } from './telemetry/recent-decisions.js'
import { readRecordedDecision } from './telemetry/recorded-decision.js'

export interface AdminParts extends AdminDoor {
  /** To be told of each decision, with its record. */
  decided(decided: Decided, line: string): void
  /** To be told of a record that another process of ours wrote. */
  recorded(line: string): void
  /** To be told of what the policies of the shadow would have decided differently, with its record. */
  differs(decisionId: string, line: string): void
  /** To be told of each load of policies. */
  loaded(report: LoadReport): void
}

export interface AdminOptions {
  readonly admin: ConfigAdmin
  readonly config: Config
  readonly store: Pick<PolicyStore, 'current' | 'report' | 'documents'>
  readonly metrics: Pick<Metrics, 'contentType' | 'text' | 'collect'>
  /** Policies that are tried beside those in force; undefined: none are. */
  shadow?(): ShadowReport | undefined
  readiness(): Readiness
  onError(detail: string, error?: unknown): void
}

/** The admin listener and what it keeps. Throws for the operator where it must not be opened. */
export function createAdmin({ admin, config, store, metrics, shadow, readiness, onError }: AdminOptions): AdminParts {
  const decisions = new RecentDecisions(admin.recentDecisions)
  const history = new PolicyHistory()
  const door = createAdminDoor({
    listener: admin,
    version: packageVersion,
    readiness,
    metrics: () => metrics,
    config: () => effectiveConfig(config),
    policies: () => ({ ...history.describe(store), shadow: shadow?.() ?? null }),
    policy: (kind, name) => textOf(store, kind, name),
    decisions,
    explain: request => explainRequest(store.current, request),
    onError,
  })
  return {
    start: () => door.start(),
    stop: () => door.stop(),
    loaded: report => history.loaded(report, Date.now()),
    recorded(line) {
      const recorded = readRecordedDecision(line)
      if (recorded.kind === 'decision') decisions.add(recorded.decision)
      else if (recorded.kind === 'difference') decisions.differs(recorded.id, line)
    },
    differs: (id, line) => decisions.differs(id, line),
    decided: ({ decision, server }, line) =>
      decisions.add({
        ...{ id: decision.id, outcome: decision.outcome, server, line },
        reason: decision.failure?.reason ?? '',
        would: decision.would.map(({ reason }) => reason),
      }),
  }
}

/** Several where one kind and name is there more than once: Roles of several namespaces, kinds without names. */
function textOf({ documents }: Pick<PolicyStore, 'documents'>, kind: string, name: string): string | undefined {
  const found = documents.filter(document => document.kind === kind && document.name === name)
  return found.length === 0
    ? undefined
    : found.map(({ file, index, text }) => `# ${oneLine(file)}, document ${index}\n${text.trimEnd()}\n`).join('---\n')
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ')
}
