import { CostBudget } from '../cel/environment.js'

/**
 * Units that the expressions of one decision may cost together, on a request with several messages as well: ten times what
 * one expression may (`limits.budget`), as in Kubernetes (apiserver, pkg/apis/cel/config.go: 1,000,000 per expression and
 * 10,000,000 per policy). It bounds what many costly rules over one large argument take.
 */
export const decisionBudget = 1_000_000

/** What one decision has to spend on expressions. */
export class DecisionBudgets {
  /** For what decides: Grants, Guardrails in Enforce, and the Enrichments of what was allowed. */
  readonly deciding = new DecisionBudget()
  /** For Guardrails in Audit and Warn: they must change nothing, so they cannot use up what the others need. */
  readonly observing = new DecisionBudget()

  /**
   * Gives back what was spent since it was called, for evaluations that will be made again: what they cost must not depend on
   * how often. To be used before anything else can spend.
   */
  remember(): () => void {
    const [deciding, observing] = [this.deciding.remember(), this.observing.remember()]
    return () => {
      deciding()
      observing()
    }
  }
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

  remember(): () => void {
    const [left, costliest] = [this.left, this.#costliest]
    return () => {
      this.left = left
      this.#costliest = costliest
    }
  }
}
