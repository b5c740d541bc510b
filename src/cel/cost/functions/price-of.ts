import type { InputSizes } from '../input-sizes.js'
import { authorizationCosts } from './authorization-costs.js'
import { kubernetesCosts } from './kubernetes-costs.js'
import { listCosts } from './list-costs.js'
import { mathCosts } from './math-costs.js'
import { networkCosts } from './network-costs.js'
import { type Operand, Operands } from './operands.js'
import { optionalCosts } from './optional-costs.js'
import { patternCosts } from './pattern-costs.js'
import type { Priced, PriceTable, Pricing } from './pricing.js'
import { standardCosts } from './standard-costs.js'
import { textCosts } from './text-costs.js'

const tables: readonly PriceTable[] = [
  ...[standardCosts, optionalCosts, textCosts, patternCosts, listCosts, mathCosts],
  ...[networkCosts, kubernetesCosts, authorizationCosts],
]

const pricings: ReadonlyMap<string, Pricing> = new Map(
  tables.flat().flatMap(([ids, pricing]) => ids.map(id => [id, pricing] as const)),
)

/**
 * What a function costs in our libraries, by the id of its overload; undefined for one that is not known here. Rules as in
 * cel-go's `checker/cost.go` and Kubernetes' `pkg/cel/library/cost.go`, where ours charge no more than they do.
 */
export function priceOf(id: string, operands: readonly Operand[], sizes: InputSizes): Priced | undefined {
  return pricings.get(id)?.(new Operands(operands, sizes))
}
