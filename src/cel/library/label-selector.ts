import { checkLabelValue, checkQualifiedName } from './kubernetes-names.js'

/** As apimachinery `selection` names them. */
export type LabelOperator = 'exists' | '!' | '=' | '==' | '!=' | 'in' | 'notin' | 'gt' | 'lt'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  /** Sorted, each once. */
  readonly values: readonly string[]
}

type Token =
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'symbol'; readonly text: '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' }

/**
 * `app=web,tier in (a, b),!legacy` (apimachinery `labels.ParseToRequirements`); undefined if it does not parse, or if a key or
 * value could not be one (also where Go would take a NUL for an end). Requirements are in the order of their keys.
 */
export function parseLabelSelector(text: string): readonly LabelRequirement[] | undefined {
  const tokens = scan(text)
  const requirements: LabelRequirement[] = []
  let at = 0
  while (at < tokens.length) {
    const read = readRequirement(tokens, at)
    if (read === undefined || !isValid(read.requirement)) return undefined
    requirements.push(read.requirement)
    at = read.next
    if (at === tokens.length) break
    const following = tokens[at + 1]
    if (!isSymbol(tokens[at], ',') || !(following?.kind === 'name' || isSymbol(following, '!'))) return undefined
    at++
  }
  // Stable, by bytes: keys are ASCII.
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function isSymbol(token: Token | undefined, text: Extract<Token, { kind: 'symbol' }>['text']): boolean {
  return token?.kind === 'symbol' && token.text === text
}

function scan(text: string): readonly Token[] {
  return Array.from(text.matchAll(/==|!=|[=!(),><]|[^ \t\r\n=!(),><]+/g), ([found]) => asToken(found))
}

function asToken(text: string): Token {
  switch (text) {
    case '(':
    case ')':
    case ',':
    case '!':
    case '=':
    case '==':
    case '!=':
    case '>':
    case '<':
      return { kind: 'symbol', text }
    default:
      return { kind: 'name', text }
  }
}

interface ReadRequirement {
  readonly requirement: LabelRequirement
  readonly next: number
}

function readRequirement(tokens: readonly Token[], from: number): ReadRequirement | undefined {
  const negated = isSymbol(tokens[from], '!')
  const at = negated ? from + 1 : from
  const key = tokens[at]
  if (key?.kind !== 'name') return undefined
  const operator = tokens[at + 1]
  const found = (operator: LabelOperator, values: readonly string[], next: number): ReadRequirement => ({
    requirement: { key: key.text, operator, values },
    next,
  })
  if (negated) return found('!', [], at + 1)
  if (operator === undefined || isSymbol(operator, ',')) return found('exists', [], at + 1)
  const name = operatorOf(operator)
  if (name === undefined) return undefined
  if (name === 'in' || name === 'notin') {
    const list = readValues(tokens, at + 2)
    return list === undefined ? undefined : found(name, list.values, list.next)
  }
  const value = tokens[at + 2]
  if (value === undefined || isSymbol(value, ',')) return found(name, [''], at + 2)
  return value.kind === 'name' ? found(name, [value.text], at + 3) : undefined
}

function operatorOf(token: Token): LabelOperator | undefined {
  if (token.kind === 'name') return token.text === 'in' || token.text === 'notin' ? token.text : undefined
  switch (token.text) {
    case '=':
    case '==':
    case '!=':
      return token.text
    case '>':
      return 'gt'
    case '<':
      return 'lt'
    default:
      return undefined
  }
}

/** `(a, b)`; a place between commas, or next to a parenthesis, that holds nothing is an empty value. */
function readValues(
  tokens: readonly Token[],
  from: number,
): { readonly values: readonly string[]; readonly next: number } | undefined {
  if (!isSymbol(tokens[from], '(')) return undefined
  const values = new Set<string>()
  let expecting = true
  for (let at = from + 1; at < tokens.length; at++) {
    const token = tokens[at]
    if (token?.kind === 'name') {
      if (!expecting) return undefined
      values.add(token.text)
      expecting = false
    } else if (isSymbol(token, ',') || isSymbol(token, ')')) {
      if (expecting) values.add('')
      if (isSymbol(token, ')')) return { values: [...values].sort(), next: at + 1 }
      expecting = true
    } else return undefined
  }
  return undefined
}

function isValid({ key, operator, values }: LabelRequirement): boolean {
  if (checkQualifiedName(key).length > 0) return false
  if (!values.every(value => checkLabelValue(value).length === 0)) return false
  return (operator !== 'gt' && operator !== 'lt') || values.every(isInt64)
}

function isInt64(text: string): boolean {
  if (!/^[+-]?[0-9]{1,64}$/.test(text)) return false
  const value = BigInt(text.replace(/^\+/, ''))
  return BigInt.asIntN(64, value) === value
}
