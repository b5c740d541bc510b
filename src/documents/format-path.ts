import type { PathSegment } from './source-document.js'

const plainKey = /^[A-Za-z_$][\w$-]*$/

/** `['spec', 'validations', 0, 'a.b']` → `spec.validations[0]["a.b"]`. */
export function formatPath(path: readonly PathSegment[]): string {
  let text = ''
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`
    else if (plainKey.test(segment)) text += text === '' ? segment : `.${segment}`
    else text += `[${JSON.stringify(segment)}]`
  }
  return text
}
