import { isLabelKey, isLabelValue } from './kubernetes-names.js'
import { type Path, type Report, some } from './rbac-report.js'
import type { SelectorSpec } from './rbac-schema.js'

const labelHint = 'at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends'
export const labelKeyHint = `${labelHint}; before it, if wanted, a domain in lower case and "/"`

/** The keys and values of labels, or of a selector's matchLabels. */
export function checkLabels(
  labels: Readonly<Record<string, string | null>> | null | undefined,
  path: Path,
  report: Report,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (!isLabelKey(key)) report('error', [...path, key], 'not the key of a label', labelKeyHint)
    if (!isLabelValue(value ?? '')) report('error', [...path, key], 'not the value of a label', labelHint)
  }
}

/** metav1.LabelSelector, as the API server validates it where none of its values may be one that no label can have. */
export function checkSelector(selector: SelectorSpec, path: Path, report: Report): void {
  checkLabels(selector?.matchLabels, [...path, 'matchLabels'], report)
  for (const [index, requirement] of (selector?.matchExpressions ?? []).entries()) {
    const at = [...path, 'matchExpressions', index]
    const { key, operator, values } = requirement ?? {}
    if (!isLabelKey(key ?? '')) report('error', [...at, 'key'], 'not the key of a label', labelKeyHint)
    for (const [place, value] of (values ?? []).entries())
      if (!isLabelValue(value ?? '')) report('error', [...at, 'values', place], 'not the value of a label', labelHint)
    if (operator === 'In' || operator === 'NotIn') {
      if (!some(values)) report('error', [...at, 'values'], `${operator} needs values`)
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (some(values)) report('error', [...at, 'values'], `${operator} takes no values`)
    } else report('error', [...at, 'operator'], 'must be In, NotIn, Exists or DoesNotExist')
  }
}
