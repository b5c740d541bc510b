import type { Inputs } from './inputs.js'
import { listTools } from './process-cost.js'
import { amount, type Section, table } from './table.js'

/** What things cost beside an ordinary call, in the process, without a transport; for docs/performance.md. */
export function decisionCosts({ decisions, identity, reviews, lists }: Inputs): Section {
  const { call } = decisions
  const list = lists.find(one => one.tools === listTools)?.micros ?? 0
  const rows: readonly (readonly [string, number])[] = [
    ['a call of 1 KiB, three Guardrails, allowed', call],
    ['· without metrics and record', decisions.untold],
    ['· denied by a Guardrail', decisions.deniedByGuardrail],
    ['· denied by RBAC', decisions.deniedByRbac],
    ['`initialize`', decisions.initialize],
    ['the request `tools/list`', decisions.listRequest],
    [`the list that comes back, ${listTools} tools`, list],
    ['more for a token that is new: RS256', identity.rs256],
    ['more for a token that is new: ES256', identity.es256],
    ['more for a session that is bound: its tag is checked', identity.checkSession],
    ['more for a question to an API server, here', reviews.ours],
    ['· and there', reviews.apiServer],
  ]
  const cells = rows.map(([what, micros]) => [what, `${amount(micros / call)} ×`])
  return { document: 'performance.md', name: 'decisions', markdown: table(['', 'of a call'], cells) }
}

/** The whole process, by transport and flags of Node. */
export function flagCosts({ variants }: Inputs): Section {
  const [first] = variants
  if (first === undefined) throw new Error('no variant was measured')
  const rows = variants.map(one => [
    one.name,
    `${amount(one.busy / first.busy)} ×`,
    `${amount(one.quiet / first.busy)} ×`,
    `${amount(one.rssMb / first.rssMb)} ×`,
    amount(one.minorPer1000),
    amount(one.majorPer1000),
  ])
  const head = [
    '',
    'a call, 64 at a time',
    'a call, 500/s',
    'memory',
    'young collections per 1000',
    'of everything per 1000',
  ]
  return { document: 'performance.md', name: 'flags', markdown: table(head, rows) }
}
