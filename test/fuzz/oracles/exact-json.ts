/**
 * A second reading of JSON, made of other parts than ours: `JSON.parse` says whether a text is JSON, a tokenizer of one
 * regular expression finds what `JSON.parse` hides (repeated keys, the spelling of numbers).
 */
export type ExactJson =
  | { readonly kind: 'number'; readonly lexeme: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'word'; readonly value: boolean | null }
  | { readonly kind: 'array'; readonly items: readonly ExactJson[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [key: string, value: ExactJson])[] }

const token = /"(?:[^"\\]|\\.)*"|-?[0-9.eE+-]+|true|false|null|[{}[\],:]/gs

/** The text of the bytes, undefined if they are no UTF-8. A byte order mark stays. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Undefined if the text is no JSON. */
export function readExactly(text: string): ExactJson | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  const tokens = text.match(token) ?? []
  let at = 0
  const read = (): ExactJson => {
    const word = tokens[at++] ?? ''
    if (word === '[') {
      const items: ExactJson[] = []
      while (tokens[at] !== ']') {
        items.push(read())
        if (tokens[at] === ',') at++
      }
      at++
      return { kind: 'array', items }
    }
    if (word === '{') {
      const members: [string, ExactJson][] = []
      while (tokens[at] !== '}') {
        const key = stringOf(tokens[at] ?? '')
        at += 2
        members.push([key, read()])
        if (tokens[at] === ',') at++
      }
      at++
      return { kind: 'object', members }
    }
    if (word.startsWith('"')) return { kind: 'string', value: stringOf(word) }
    if (word === 'true' || word === 'false') return { kind: 'word', value: word === 'true' }
    return word === 'null' ? { kind: 'word', value: null } : { kind: 'number', lexeme: word }
  }
  return read()
}

function stringOf(quoted: string): string {
  const value: unknown = JSON.parse(quoted)
  if (typeof value !== 'string') throw new Error('the tokenizer found no string')
  return value
}
