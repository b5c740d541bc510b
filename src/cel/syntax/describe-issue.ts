import { positionAt } from './position-at.js'
import type { SyntaxIssue } from './syntax-issue.js'

/** Lines longer than twice this (code points) are shown around the position only. */
const half = 80

/**
 * An issue with its line and a caret, in the form of cel-go:
 *
 *     ERROR: <input>:1:7: expected an operator or the end, but found 'b'
 *      | a + b b
 *      | ......^
 *
 * Also for findings of the checker, which have the same shape. Characters that are not ASCII count as wide and get wide
 * dots, so that the caret stays below what it points to.
 */
export function describeIssue(source: string, issue: SyntaxIssue, name = '<input>'): string {
  const { line, column } = positionAt(source, issue.at)
  const hint = issue.hint === undefined ? '' : ` (${issue.hint})`
  const header = `ERROR: ${name}:${line}:${column}: ${issue.message}${hint}`
  const { text, before } = shownLine(source, issue.at)
  const dots = text.slice(0, before).map(character => (isWide(character) ? '．' : '.'))
  const caret = isWide(text[before] ?? '') ? '＾' : '^'
  return `${header}\n | ${text.join('')}\n | ${dots.join('')}${caret}`
}

/** `before` is how many characters of `text` lie before the position. */
function shownLine(source: string, at: number): { readonly text: string[]; readonly before: number } {
  const start = at > 0 ? source.lastIndexOf('\n', at - 1) + 1 : 0
  const newline = source.indexOf('\n', at)
  const end = newline === -1 ? source.length : newline
  // Of a character outside the basic plane no half may be left: 4 units always hold the half of what is shown.
  const head = characters(source.slice(Math.max(start, at - 4 * half), Math.min(at, end)))
  const tail = characters(source.slice(Math.min(at, end), Math.min(end, at + 4 * half)))
  if (head.length + tail.length <= 2 * half) return { text: [...head, ...tail], before: head.length }
  const before = Math.min(head.length, Math.max(half, 2 * half - tail.length))
  const text = [...head.slice(head.length - before), ...tail.slice(0, 2 * half - before)]
  if (before < head.length) text[0] = '…'
  if (tail.length > 2 * half - before) text[2 * half - 1] = '…'
  return { text, before }
}

/** Tabs and other controls are shown as blanks: a terminal must not act on what a source contains. */
const characters = (text: string): string[] => Array.from(text, character => (isControl(character) ? ' ' : character))

const isWide = (character: string): boolean => (character.codePointAt(0) ?? 0) > 0x7f

function isControl(character: string): boolean {
  const code = character.charCodeAt(0)
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
}
