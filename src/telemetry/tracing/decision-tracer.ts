/** The parts of a decision that get a span of their own, in the order in which they come. */
export type TracedStage = 'framing' | 'identity' | 'message' | 'authorization' | 'guardrails' | 'upstream'

/**
 * What a span tells of a decision. The set is closed: there is no field for an argument, a token, a claim or a user, so
 * that none can get into a trace by mistake; the decision log has who it was, joined by the decision id.
 */
export interface DecisionFacts {
  readonly decisionId: string
  readonly outcome: 'allow' | 'deny' | 'respond'
  /** Reason code of a denial. */
  readonly reason: string | undefined
  /** `Kind/name` of the policy that denied, "" for built-in rules. */
  readonly policy: string
  /** Nobody is to blame but us or what we depend on. */
  readonly broken: boolean
  /** In which of the stages it was denied; undefined: in the last one. */
  readonly failedStage: TracedStage | undefined
  /** Name of the Server, "" when none was found. */
  readonly server: string
  readonly mode: 'enforce' | 'audit'
  /** "" when none was in force. */
  readonly policyRevision: string
  readonly door: string
  /** Reason codes of what Audit would have denied. */
  readonly wouldDeny: readonly string[]
  /** Name of the method as policies have it; undefined when the message was not read. */
  readonly method: string | undefined
  /** It is a JSON-RPC method of MCP. */
  readonly mcp: boolean
  /** What callers invent must not be in here: `_other` stands for it. */
  readonly tool: string | undefined
  readonly prompt: string | undefined
  readonly protocolVersion: string | undefined
  /** `traceparent` of the message (`params._meta`), unchecked. */
  readonly messageTraceparent: unknown
  /** Messages of the batch that this is the decision about. */
  readonly batchSize: number | undefined
  /** The door did not wait for it and has answered itself. */
  readonly abandoned: boolean
}

/** The span of one decision that is recorded. None of its functions throws. */
export interface DecisionSpan {
  /** 32 hex digits. */
  readonly traceId: string
  /** A stage begins, and the one before it ends; undefined only ends. */
  stage(name: TracedStage | undefined): void
  /** The span of one message of a batch, which ends on its own. */
  member(): DecisionSpan
  /** Call once, with the decision. */
  end(facts: DecisionFacts): void
}

export interface DecisionTracer {
  /**
   * Begins the span of a decision.
   * @param traceparent of the span that asks; undefined begins a trace
   * @returns undefined unless it is recorded, so that nothing else has to be done
   */
  start(traceparent: string | undefined): DecisionSpan | undefined
}
