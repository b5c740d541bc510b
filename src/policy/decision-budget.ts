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

  remember(): RememberedBudgets {
    return { deciding: this.deciding.remember(), observing: this.observing.remember() }
  }

  /**
   * Gives back what was spent since, for evaluations that will be made again: what they cost must not depend on how often. To
   * be used before anything else can spend.
   */
  giveBack({ deciding, observing }: RememberedBudgets): void {
    this.deciding.giveBack(deciding)
    this.observing.giveBack(observing)
  }
}

export interface RememberedBudgets {
  readonly deciding: RememberedBudget
  readonly observing: RememberedBudget
}

interface RememberedBudget {
  readonly left: number
  readonly costliest: Costliest
}

interface Costliest {
  readonly policy: string
  readonly units: number
}

const nothing: Costliest = { policy: '', units: 0 }

export class DecisionBudget extends CostBudget {
  #costliest = nothing

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

  remember(): RememberedBudget {
    return { left: this.left, costliest: this.#costliest }
  }

  giveBack({ left, costliest }: RememberedBudget): void {
    this.left = left
    this.#costliest = costliest
  }
}
