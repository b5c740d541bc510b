/** One step into arguments: a member, an element, or every one of them. */
export type ArgumentStep = { readonly name: string } | { readonly index: number } | { readonly each: true }

export type ParsedArgumentPath =
  | { readonly ok: true; readonly steps: readonly ArgumentStep[] }
  | { readonly ok: false; readonly message: string }

const longestPath = 256

/** `.name`, `['any name']`, `[0]`, `[*]`. */
const step = /(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^'\\]{1,128})'\]|\[(\d{1,6})\]|\[(\*)\])/y

/** Reads a path such as `$.spec.containers[*].image`: the part of JSONPath (RFC 9535) that names places, not conditions. */
export function parseArgumentPath(text: string): ParsedArgumentPath {
  if (text.length > longestPath) return { ok: false, message: `a path has ${longestPath} characters at most` }
  if (!text.startsWith('$')) return { ok: false, message: 'a path begins with $, the arguments' }
  const steps: ArgumentStep[] = []
  step.lastIndex = 1
  while (step.lastIndex < text.length) {
    const at = step.lastIndex
    const found = step.exec(text)
    if (found === null)
      return { ok: false, message: `"${text.slice(at, at + 20)}" is none of .name, ['any name'], [0] and [*]` }
    const name = found[1] ?? found[2]
    if (name !== undefined) steps.push({ name })
    else if (found[3] !== undefined) steps.push({ index: Number(found[3]) })
    else steps.push({ each: true })
  }
  if (steps.length === 0) return { ok: false, message: '$ is all arguments: use mode all' }
  return { ok: true, steps }
}
