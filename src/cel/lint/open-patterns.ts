import { walk } from '../syntax/walk.js'
import { type LintSubject, textOf } from './lint-subject.js'
import { readPattern } from './read-pattern.js'

/** Regular expressions look for a match anywhere in the text, unless they say where it begins and ends. */
export function openPatterns(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind !== 'call' || node.name !== 'matches') return
    const pattern = node.target === undefined ? node.args[1] : node.args[0]
    const text = textOf(pattern)
    if (pattern === undefined || text === undefined) return
    const { alternatives, dotOfHost, host } = readPattern(text)
    if (dotOfHost) {
      subject.report(
        'dot-in-pattern',
        pattern,
        'a dot is any character here, so that another host fits, too',
        'write [.] for a dot',
      )
    }
    const [first] = alternatives
    const last = alternatives.at(-1)
    if (first === undefined || last === undefined) return
    const whole = alternatives.every(({ begins, ends }) => begins && ends)
    if (whole) return
    if (alternatives.length > 1 && first.begins && last.ends && !alternatives.every(one => one.begins || one.ends)) {
      halves(subject, pattern.at, 'in "^a|b|c$" only a holds the beginning and only c the end', 'write "^(a|b|c)$"')
    } else if (alternatives.length === 2 && first.begins && !first.ends && last.ends && !last.begins) {
      halves(subject, pattern.at, 'in "^a|b$" only a holds the beginning and only b the end', 'write "^(a|b)$"')
    } else if (alternatives.some(({ begins, ends, endsOpen }) => begins && !ends && !endsOpen)) {
      halves(
        subject,
        pattern.at,
        'it holds the beginning, and anything may follow',
        'end it with $, or with .* if so meant',
      )
    } else if (alternatives.some(({ begins, ends, beginsOpen }) => ends && !begins && !beginsOpen)) {
      halves(
        subject,
        pattern.at,
        'it holds the end, and anything may stand before',
        'begin it with ^, or with .* if so meant',
      )
    } else if (host && alternatives.some(({ begins, beginsOpen }) => !begins && !beginsOpen)) {
      halves(
        subject,
        pattern.at,
        'the host may stand anywhere in the text, as in evil.io/?example.com',
        'begin it with ^',
      )
    }
  })
}

function halves(subject: LintSubject, at: number, message: string, hint: string): void {
  subject.report('open-pattern', { at }, message, hint)
}
