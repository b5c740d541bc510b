type Token = { readonly kind: 'name' | 'string' | 'sign'; readonly text: string }

/**
 * Whether an expression may read `claims.email`. Errs on the side of yes (any mention of the name counts), because a
 * yes only asks for a check of `email_verified`. The API server looks at the syntax tree; a list of tokens will do.
 */
export function readsEmail(source: string): boolean {
  return tokens(source).some(({ kind, text }) => kind !== 'sign' && text === 'email')
}

/** Whether an expression certainly reads `claims.email_verified`, `claims.?email_verified` or `claims['email_verified']`. */
export function readsEmailVerified(source: string): boolean {
  const list = tokens(source)
  return list.some((token, index) => {
    if (token.kind === 'sign' || token.text !== 'email_verified') return false
    let before = index - 1
    if (list[before]?.text === '?' && list[before]?.kind === 'sign') before--
    const opening = token.kind === 'name' ? '.' : '['
    const [claims, sign, further] = [list[before - 1], list[before], list[before - 2]]
    return sign?.text === opening && claims?.kind === 'name' && claims.text === 'claims' && further?.text !== '.'
  })
}

function tokens(source: string): readonly Token[] {
  const found: Token[] = []
  let at = 0
  while (at < source.length) {
    const char = source.charAt(at)
    if (char === '/' && source.charAt(at + 1) === '/') {
      const end = source.indexOf('\n', at)
      at = end === -1 ? source.length : end
    } else if (char === '"' || char === "'") {
      const triple = source.startsWith(char.repeat(3), at)
      const quote = triple ? char.repeat(3) : char
      const start = at + quote.length
      let end = start
      while (end < source.length && !source.startsWith(quote, end)) end += source.charAt(end) === '\\' ? 2 : 1
      found.push({ kind: 'string', text: source.slice(start, end) })
      at = end + quote.length
    } else if (/[A-Za-z_]/.test(char)) {
      const start = at
      while (at < source.length && /[A-Za-z0-9_]/.test(source.charAt(at))) at++
      found.push({ kind: 'name', text: source.slice(start, at) })
    } else {
      if (char.trim() !== '') found.push({ kind: 'sign', text: char })
      at++
    }
  }
  return found
}
