import type { Step } from '../../decision/trial.js'
import { describeFailure } from './compare-outcome.js'
import type { Outcome } from './judge-case.js'
import { withoutId } from './without-id.js'

const marks: Readonly<Record<Step['outcome'], string>> = {
  pass: 'ok    ',
  fail: 'FAIL  ',
  'would fail': 'would ',
  warn: 'warn  ',
  'not matched': '-     ',
  info: '      ',
}

/** What every stage and every rule said, one line each, in the form of `explain`. */
export function explainOutcome({ decision, steps, visible, result, bug }: Outcome): readonly string[] {
  const lines = steps.map(lineOf)
  const { answer } = decision
  for (const one of decision.would) lines.push(`would be denied if enforced: ${describeFailure(one)}`)
  for (const one of decision.warnings) lines.push(`warning: ${one}`)
  if (answer.kind === 'respond') lines.push(`the client gets HTTP ${answer.status}: ${answer.body}`)
  else for (const { name, value } of answer.setHeaders) lines.push(`header  ${name}: ${value}`)
  if (visible !== undefined) {
    lines.push(`list: ${visible.shown ? 'shown' : `hidden: ${visible.why}`}`, ...visible.steps.map(lineOf))
  }
  if (result !== undefined) lines.push(`result: ${result.text}`)
  if (bug !== undefined) lines.push(`internal error: ${bug}`)
  return lines.map(line => shorten(withoutId(line, decision).trimEnd()))
}

/** Results and answers may be long, and there may be many of them. */
const longestLine = 4000

function shorten(line: string): string {
  return line.length <= longestLine ? line : `${line.slice(0, longestLine)}… (${line.length} characters)`
}

function lineOf({ stage, rule, outcome, detail }: Step): string {
  return `${marks[outcome]}${stage.padEnd(14)}${rule === '' ? '' : `${rule}  `}${detail}`
}
