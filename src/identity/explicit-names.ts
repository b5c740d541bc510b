import { randomBytes } from 'node:crypto'
import type { Expr } from '../cel/syntax/ast.js'
import { parseExpression } from '../cel/syntax/parse-expression.js'

/** Names that only a configuration may hand out, never the claims of a token. */
const reserved = 'system:'

export function isReserved(name: string): boolean {
  return name.startsWith(reserved)
}

/** Whether a prefix that is put before a claim says explicitly which reserved names it makes: `system:node:`, not `system:`. */
export function isExplicitPrefix(prefix: string): boolean {
  return isReserved(prefix) && prefix.length > reserved.length && prefix.endsWith(':')
}

/**
 * What stands between them was written in the configuration. Nobody outside this process can know them: else a token could
 * bring marked names along, for an expression that picks some names and drops others.
 */
const secret = randomBytes(16).toString('hex')
export const [opening, closing] = [`\uE000${secret}`, `\uE001${secret}`]

/**
 * An expression that says reserved names itself, such as `"system:serviceaccount:" + claims.ns`, with a mark at each of them
 * that can become the result. Its results tell apart what the author of the configuration wrote from what the token
 * brought along, which looks the same: `claims.admin ? ["system:masters"] : claims.groups`. undefined when there are none.
 */
export function markedExpression(source: string): string | undefined {
  const parsed = parseExpression(source)
  if (!parsed.ok) return undefined
  const marks = resultTexts(parsed.expr).flatMap(({ at, value }) => mark(source, at, value) ?? [])
  if (marks.length === 0) return undefined
  let marked = ''
  let end = 0
  for (const { from, to, text } of marks.sort((a, b) => a.from - b.from)) {
    marked += source.slice(end, from) + text
    end = to
  }
  return marked + source.slice(end)
}

/** A reserved name that is written in the configuration, as a marked expression would give it. */
export function markedName(name: string): string {
  return isReserved(name) ? opening + name + closing : name
}

/**
 * Whether a reserved name was written in the configuration, given what the marked expression made of it: all of it, or a
 * beginning that ends with a colon.
 */
export function isExplicit(name: string, marked: string | undefined): boolean {
  if (marked === opening + name + closing) return true
  return marked?.startsWith(opening) === true && !marked.includes(closing) && marked.slice(opening.length) === name
}

interface Text {
  readonly at: number
  readonly value: string
}

/** Text literals whose value can be (the beginning of) the result, or of one of its elements. */
function resultTexts(expr: Expr): readonly Text[] {
  switch (expr.kind) {
    case 'literal':
      return expr.literal.type === 'string' ? [{ at: expr.at, value: expr.literal.value }] : []
    case 'list':
      return expr.elements.flatMap(({ value }) => resultTexts(value))
    case 'bind':
    case 'optional_map':
      return resultTexts(expr.body)
    case 'comprehension':
      return expr.macro === 'map' && expr.body !== undefined ? resultTexts(expr.body) : []
    case 'call':
      switch (expr.name) {
        case '_?_:_':
          return expr.args.slice(1).flatMap(resultTexts)
        case '_+_':
        case 'orValue':
        case 'of':
          return [...(expr.target === undefined ? [] : resultTexts(expr.target)), ...expr.args.flatMap(resultTexts)]
        case 'format':
          return expr.target === undefined ? [] : resultTexts(expr.target).filter(isExplicitFormat)
        default:
          return []
      }
    default:
      return []
  }
}

/** What a token puts into a format must not be able to change which reserved names it makes: `system:node:%s`, not `system:%s`. */
function isExplicitFormat({ value }: Text): boolean {
  const first = value.indexOf('%')
  return first < 0 || isExplicitPrefix(value.slice(0, first))
}

const quotes = ['"""', "'''", '"', "'"]

/** Where the inside of a literal stands and what takes its place. Literals with escapes in them are left alone. */
function mark(source: string, at: number, value: string) {
  if (!isReserved(value) || value.length === reserved.length) return undefined
  const raw = /[rR]/.test(source[at] ?? '') ? 1 : 0
  const quote = quotes.find(candidate => source.startsWith(candidate, at + raw))
  if (quote === undefined) return undefined
  const from = at + raw + quote.length
  if (!source.startsWith(value + quote, from)) return undefined
  return { from, to: from + value.length, text: opening + value + (value.endsWith(':') ? '' : closing) }
}
