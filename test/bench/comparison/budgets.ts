import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

export const budgetNames = [
  'native beside go',
  'native beside grpc-js',
  '30 guardrails',
  '300 others',
  'memory',
  'first decision',
  'first check',
] as const
export type BudgetName = (typeof budgetNames)[number]

const Budget = z.strictObject({
  /** What was measured last, or was agreed upon: more than a quarter above it is a regression. */
  budget: z.number().positive(),
  /** Where we want to be, if anybody has said so. */
  target: z.number().positive().optional(),
  /** What is divided by what, or the unit. */
  of: z.string(),
})
export type Budget = z.infer<typeof Budget>

/** What a measured value may be above its budget before a test fails: machines differ, and so do two runs. */
export const tolerance = 1.25

/** Throws when the file does not name exactly {@link budgetNames}. */
export function readBudgets(): Readonly<Record<BudgetName, Budget>> {
  const text = readFileSync(join(import.meta.dirname, 'budgets.json'), 'utf8')
  return z.record(z.enum(budgetNames), Budget).parse(JSON.parse(text))
}
