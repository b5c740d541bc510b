import type { Principal } from '../identity/principal.js'
import { AuthorizerQuestions } from '../policy/authorizer-questions.js'
import { DecisionBudgets } from '../policy/decision-budget.js'
import type { Server } from '../policy/server.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { Call, Era } from '../protocol/call.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Operation } from '../rbac/operation.js'
import type { CatalogTool, ResolvedTool } from '../rbac/tool-catalog.js'
import type { StageTimer } from '../telemetry/stage-timer.js'
import type { DecisionSpan, TracedStage } from '../telemetry/tracing/decision-tracer.js'
import type { Failure } from './decision.js'
import { newDecisionId } from './new-decision-id.js'

/** One RBAC question and its answer, for record and explanation. */
export interface AskedAccess {
  readonly role: 'user' | 'agent'
  readonly operation: Pick<Operation, 'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>
  readonly allowed: boolean
  readonly reason: string
}

/** What one rule said, kept only when somebody asked for an explanation. */
export interface Step {
  readonly stage: string
  readonly rule: string
  readonly outcome: 'pass' | 'fail' | 'would fail' | 'warn' | 'not matched' | 'info'
  readonly detail: string
}

/**
 * All that is known of one request while it is judged. Stages fill it in order and never take anything back; what a
 * stage did not reach stays undefined.
 */
export interface Trial {
  readonly id: string
  readonly request: InboundRequest
  readonly snapshot: PolicySnapshot
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** Monotonic, in milliseconds. */
  readonly startedTick: number
  /** What the expressions of policies may cost; the messages of a batch share them. */
  readonly budgets: DecisionBudgets
  /** What they asked the authorizers; shared as well. */
  readonly questions: AuthorizerQuestions
  server: Server | undefined
  principal: Principal | undefined
  call: Call | undefined
  /** The call as the server gets it, where it is not the one that is judged (a tool that calls another one). */
  sent: Call | undefined
  /** Lexeme of the id where one could be read, also from a message that was refused. */
  knownId: string | undefined
  /** Era of the message where it could be told, also of one that was refused. */
  era: Era | undefined
  /** Un-prefixed name of the called tool. */
  tool: string | undefined
  catalogTool: CatalogTool | undefined
  /** What the catalogue makes of the call; undefined without an entry. */
  resolved: ResolvedTool | undefined
  operations: readonly Operation[] | undefined
  images: readonly string[] | undefined
  replicas: readonly bigint[] | undefined
  readonly asked: AskedAccess[]
  /** `Kind/name` of every policy that took part. */
  readonly policies: string[]
  /** What Audit policies, or a Server in Audit, would have denied. */
  readonly would: Failure[]
  readonly warnings: string[]
  /** When only scopes are missing: all that a token should have, what it has of those that Grants name included. */
  missingScopes: readonly string[] | undefined
  readonly steps: Step[] | undefined
  /** Names of the tools that the gateway may list, or call, for this request; undefined unless its route wants to know. */
  allowedTools?: readonly string[]
  /** The decision about the batch that this message came in, and how many it held. */
  readonly batch: { readonly id: string; readonly size: number } | undefined
  /** undefined: this decision is not traced. */
  span: DecisionSpan | undefined
  /** undefined: its stages are not timed. */
  timer: StageTimer | undefined
  /** Rules gave the call, so that its tool is not a name which the caller made up. */
  authorized: boolean
}

export function explainStep(trial: Trial, stage: string, rule: string, outcome: Step['outcome'], detail: string): void {
  trial.steps?.push({ stage, rule, outcome, detail })
}

/** A stage begins, and the one before it ends; undefined only ends. */
export function enterStage({ span, timer }: Trial, stage: TracedStage | undefined): void {
  span?.stage(stage)
  timer?.stage(stage)
}

/** A request of which nothing is known yet. `startedAt`: milliseconds since the epoch. */
export function newTrial(
  request: InboundRequest,
  snapshot: PolicySnapshot,
  startedAt: number,
  steps: Step[] | undefined,
): Trial {
  return {
    id: newDecisionId(),
    request,
    snapshot,
    startedAt,
    startedTick: performance.now(),
    budgets: new DecisionBudgets(),
    questions: new AuthorizerQuestions(),
    server: undefined,
    principal: undefined,
    call: undefined,
    sent: undefined,
    knownId: undefined,
    era: undefined,
    tool: undefined,
    catalogTool: undefined,
    resolved: undefined,
    operations: undefined,
    images: undefined,
    replicas: undefined,
    asked: [],
    policies: [],
    would: [],
    warnings: [],
    missingScopes: undefined,
    steps,
    batch: undefined,
    span: undefined,
    timer: undefined,
    authorized: false,
  }
}

/** A trial that has passed the stages before authorization. */
export interface JudgedTrial extends Trial {
  readonly server: Server
  readonly principal: Principal
  readonly call: Call
}

export function isJudged(trial: Trial): trial is JudgedTrial {
  return trial.server !== undefined && trial.principal !== undefined && trial.call !== undefined
}

/** Why a stage denies; undefined when it does not. */
export type Verdict = Failure | undefined
