import type { CelError } from './environment.js'
import { limits } from './limits.js'

/** Line and column from 1 of an offset. */
export function positionAt(source: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1
  let start = 0
  for (let at = source.indexOf('\n'); at !== -1 && at < offset; at = source.indexOf('\n', at + 1)) {
    line++
    start = at + 1
  }
  return { line, column: offset - start + 1 }
}

export function errorAt(source: string, offset: number, message: string, hint?: string): CelError {
  return { message, ...positionAt(source, offset), hint }
}

const closing = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
])

/**
 * Refuses what a recursive parser must not see (too long, too deeply nested), and says of unclosed quotes and brackets
 * where they open, which a parser cannot. undefined = fit to be parsed.
 */
export function scanSource(source: string): CelError | undefined {
  if (source.trim() === '') return errorAt(source, 0, 'the expression is empty')
  if (Buffer.byteLength(source) > limits.sourceBytes) {
    return errorAt(source, 0, `the expression is longer than ${limits.sourceBytes} bytes`, 'split it into variables')
  }
  const open: { readonly bracket: string; readonly at: number }[] = []
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at)
    if (character === '/' && source.charAt(at + 1) === '/') {
      const newline = source.indexOf('\n', at)
      if (newline === -1) break
      at = newline
    } else if (character === '"' || character === "'") {
      const end = endOfText(source, at, character)
      if (end === -1) return errorAt(source, at, 'this quote is never closed')
      at = end
    } else if (closing.has(character)) {
      open.push({ bracket: character, at })
      if (open.length > limits.brackets) {
        return errorAt(source, at, `more than ${limits.brackets} brackets are open here`, 'split it into variables')
      }
    } else if (character === ')' || character === ']' || character === '}') {
      const opened = open.pop()
      if (opened === undefined) return errorAt(source, at, `nothing is open that "${character}" could close`)
      if (closing.get(opened.bracket) !== character) {
        return errorAt(source, at, `"${character}" cannot close the "${opened.bracket}" before it`)
      }
    }
  }
  const last = open.at(-1)
  return last && errorAt(source, last.at, `this "${last.bracket}" is never closed`)
}

/** Offset of the last quote character of a string literal; -1 when it is not closed. Handles raw and triple quotes. */
function endOfText(source: string, start: number, quote: string): number {
  const prefix = /\w*$/.exec(source.slice(Math.max(0, start - 3), start))?.[0] ?? ''
  const raw = /^(?:[bB]?[rR]|[rR][bB])$/.test(prefix)
  const triple = source.startsWith(quote.repeat(3), start)
  const close = triple ? quote.repeat(3) : quote
  for (let at = start + close.length; at < source.length; at++) {
    const character = source.charAt(at)
    if (character === '\\' && !raw) at++
    else if (character === '\n' && !triple) return -1
    else if (source.startsWith(close, at)) return at + close.length - 1
  }
  return -1
}
