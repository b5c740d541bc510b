import { CostBudget } from '../cel/environment.js'

/**
 * Units that the expressions of one decision may cost together, on a request with several messages as well: ten times what
 * one expression may (`limits.budget`), as in Kubernetes (apiserver, pkg/apis/cel/config.go: 1,000,000 per expression and
 * 10,000,000 per policy). It bounds what many costly rules over one large argument take.
 */
export const decisionBudget = 1_000_000

/** What one decision has to spend on expressions. */
export interface DecisionBudgets {
  /** For what decides: Grants, Guardrails in Enforce, and the Enrichments of what was allowed. */
  readonly deciding: DecisionBudget
  /** For Guardrails in Audit and Warn: they must change nothing, so they cannot use up what the others need. */
  readonly observing: DecisionBudget
}

export class DecisionBudget extends CostBudget {
  #costliest = { policy: '', units: 0 }

  constructor() {
    super(decisionBudget)
  }

  /** The policy (`Guardrail/name`) that has cost the most so far; "" if none has cost anything. */
  get costliest(): string {
    return this.#costliest.policy
  }

  /** Notes what a policy has cost since `before` was left. */
  note(policy: string, before: number): void {
    const units = before - Math.max(0, this.left)
    if (units > this.#costliest.units) this.#costliest = { policy, units }
  }
}

export function newDecisionBudgets(): DecisionBudgets {
  return { deciding: new DecisionBudget(), observing: new DecisionBudget() }
}
