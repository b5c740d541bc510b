/**
 * Compiles a name pattern in which `*` stands for any run of characters and everything else for itself. Linear in the
 * text for one star, at most text × stars otherwise; no regular expression is built from it.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  if (pattern === '*') return () => true
  const parts = pattern.split('*')
  const [head = '', ...rest] = parts
  if (rest.length === 0) return text => text === pattern
  const tail = rest.pop() ?? ''
  return text => {
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false
    let from = head.length
    const end = text.length - tail.length
    for (const middle of rest) {
      const at = text.indexOf(middle, from)
      if (at === -1 || at + middle.length > end) return false
      from = at + middle.length
    }
    return true
  }
}

/** True when any pattern matches; no patterns match nothing. */
export function compileGlobs(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns.filter(pattern => !pattern.includes('*')))
  const globs = patterns.filter(pattern => pattern.includes('*')).map(compileGlob)
  if (globs.length === 0) return text => exact.has(text)
  return text => exact.has(text) || globs.some(matches => matches(text))
}
