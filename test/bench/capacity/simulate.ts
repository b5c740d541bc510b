import { decisionCosts, flagCosts } from './costs-tables.js'
import type { Inputs } from './inputs.js'
import { fanOut } from './scenario-fan-out.js'
import { lists, memory, sets, shards } from './scenario-limits.js'
import { reviews } from './scenario-reviews.js'
import { slowReplica } from './scenario-slow-replica.js'
import { steady, tokenCache } from './scenario-steady.js'
import { restart, rotation } from './scenario-storms.js'
import { zoneLost } from './scenario-zone.js'
import type { Section } from './table.js'
import type { Estate } from './traffic.js'

/** All tables of docs/capacity.md and docs/performance.md. The same for the same inputs. */
export function simulate(inputs: Inputs, estate: Estate): readonly Section[] {
  return [
    steady(inputs, estate),
    tokenCache(inputs, estate),
    reviews(inputs),
    rotation(inputs, estate),
    restart(inputs, estate),
    fanOut(inputs, estate),
    slowReplica(inputs, estate),
    zoneLost(inputs, estate),
    sets(inputs),
    shards(inputs, estate),
    memory(inputs),
    lists(inputs),
    decisionCosts(inputs),
    flagCosts(inputs),
  ]
}
