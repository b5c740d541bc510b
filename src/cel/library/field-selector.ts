import { toBytes, toText } from './percent-encoding.js'

export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/**
 * `metadata.name=a,spec.nodeName!=b` (apimachinery `fields.ParseSelector`); undefined if it does not parse. In values `\\`, `\,`
 * and `\=` stand for the characters themselves.
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] | undefined {
  const requirements: FieldRequirement[] = []
  // In the order of their bytes, as Go sorts.
  for (const term of splitTerms(toBytes(text)).sort()) {
    if (term === '') continue
    const operator = /!=|==|=/.exec(term)
    if (operator === null) return undefined
    const field = term.slice(0, operator.index)
    const value = unescapeValue(term.slice(operator.index + operator[0].length))
    if (value === undefined) return undefined
    if (field === '' && value === '') continue
    requirements.push({
      field: toText(field) ?? '',
      operator: operator[0] === '!=' ? '!=' : '=',
      value: toText(value) ?? '',
    })
  }
  return requirements
}

/** At commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  const terms: string[] = []
  let from = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(from, i))
      from = i + 1
    }
  }
  terms.push(text.slice(from))
  return terms
}

function unescapeValue(text: string): string | undefined {
  let value = ''
  for (let i = 0; i < text.length; i++) {
    let char = text.charAt(i)
    if (char === ',' || char === '=') return undefined
    if (char === '\\') {
      char = text.charAt(++i)
      if (char !== '\\' && char !== ',' && char !== '=') return undefined
    }
    value += char
  }
  return value
}
