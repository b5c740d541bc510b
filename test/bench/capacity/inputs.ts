import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LoadCost } from './load-set.js'
import type { ConfigMapCost } from './measure-config-maps.js'
import type { DecisionCosts } from './measure-decisions.js'
import type { EntryCost } from './measure-entries.js'
import type { IdentityCosts } from './measure-identity.js'
import type { ListCost } from './measure-lists.js'
import type { ReviewCost } from './measure-reviews.js'
import type { VariantCost } from './measure-transport.js'
import type { SetSize } from './policy-sets.js'

/** What was measured on one machine. Times are processor time; only ratios between them mean anything elsewhere. */
export interface Inputs {
  readonly machine: string
  readonly node: string
  readonly decisions: DecisionCosts
  readonly lists: readonly ListCost[]
  readonly identity: IdentityCosts
  readonly reviews: ReviewCost
  /** The program with each transport, and with flags of Node. */
  readonly variants: readonly VariantCost[]
  readonly loads: readonly (SetSize & LoadCost)[]
  readonly tokens: EntryCost
  readonly answers: EntryCost
  readonly bindings: readonly EntryCost[]
  readonly configMaps: readonly ConfigMapCost[]
}

const file = join(import.meta.dirname, 'inputs.json')

export function readInputs(): Inputs {
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** Puts what was measured now in the place of what was. */
export function writeInputs(measured: Partial<Inputs>): void {
  const before: Partial<Inputs> = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, `${JSON.stringify({ ...before, ...measured }, undefined, 2)}\n`)
}
