/**
 * Whether patterns of uris (`match.resources`) are about what a resource template stands for: about some of it, and about
 * all of it. A template (RFC 6570) is taken as its text up to the first expression, followed by anything.
 */
export function templateReach(
  patterns: readonly string[] | undefined,
  template: string,
): { readonly some: boolean; readonly all: boolean } {
  if (patterns === undefined) return { some: true, all: true }
  const begin = literalBegin(template)
  return {
    some: patterns.some(pattern => {
      const star = pattern.indexOf('*')
      const head = star < 0 ? pattern : pattern.slice(0, star)
      return head.startsWith(begin) || (star >= 0 && begin.startsWith(head))
    }),
    all: patterns.some(
      pattern => pattern.indexOf('*') === pattern.length - 1 && begin.startsWith(pattern.slice(0, -1)),
    ),
  }
}

function literalBegin(template: string): string {
  const expression = template.indexOf('{')
  return expression < 0 ? template : template.slice(0, expression)
}
