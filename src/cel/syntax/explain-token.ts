import type { Token } from './token.js'

export interface Explanation {
  readonly message: string
  readonly hint?: string
}

/** Operators of other languages that are names here. */
const foreignOperators: ReadonlyMap<string, string> = new Map([
  ['and', '&&'],
  ['or', '||'],
  ['not', '!'],
  ['is', '=='],
  ['eq', '=='],
  ['ne', '!='],
  ['mod', '%'],
])

/** Why a token cannot stand where it does; `before` is the one it follows. */
export function explainToken(source: string, token: Token, before: Token | undefined, expected: string): Explanation {
  if (token.kind === 'end') return { message: `expected ${expected}, but the expression ends` }
  const message = `expected ${expected}, but found ${shownToken(source, token)}`
  const hint = hintFor(source, token, before)
  return hint === undefined ? { message } : { message, hint }
}

function hintFor(source: string, token: Token, before: Token | undefined): string | undefined {
  const adjacent = before !== undefined && before.end === token.at
  if (token.kind === 'name') {
    const operator = foreignOperators.get(token.text.toLowerCase())
    if (operator !== undefined) return `write ${operator}`
    if (adjacent && isNumber(before)) {
      return 'a number has no letters but u for uint and e for an exponent; durations are written duration("5m")'
    }
  }
  if (token.kind === 'string' && adjacent && before.kind === 'name') {
    return 'the prefixes of texts are r (raw), b (bytes) and br'
  }
  if (before === undefined) return undefined
  const pair = source.slice(before.at, token.end)
  if (pair === '**') return 'CEL has no power operator'
  if (pair === '<>') return 'write !='
  if (pair === '++' || pair === '+=' || pair === '-=') return 'nothing can be changed in CEL'
  if (pair === '=>' || pair === '->') return 'a macro takes the name and the expression: list.all(x, x > 0)'
  if (pair === '??') return 'a default is written a.?b.orValue(x)'
  if (pair === ',)') return 'after the last argument there is no comma'
  if (isKeyword(token) && before.kind === '.') return `as a field write it in backticks: .\`${token.kind}\``
  return undefined
}

const isNumber = (token: Token): boolean => token.kind === 'int' || token.kind === 'uint' || token.kind === 'double'

const isKeyword = (token: Token): boolean =>
  token.kind === 'true' || token.kind === 'false' || token.kind === 'null' || token.kind === 'in'

/** Texts may be long, and they may be secrets. */
function shownToken(source: string, token: Token): string {
  if (token.kind === 'string' || token.kind === 'bytes') return 'this text'
  const text = source.slice(token.at, token.end)
  return text.length <= 40 ? `'${text}'` : `'${text.slice(0, 39)}…'`
}
