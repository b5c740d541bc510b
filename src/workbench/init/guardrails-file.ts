import type { StartInput } from './start-input.js'
import { yamlText } from './yaml-text.js'

/** Characters of one text in the arguments of a call. */
export const longestText = 1000
export const guardrailReason = 'LongText'

export function guardrailName({ name }: Pick<StartInput, 'name'>): string {
  return `${name}-long-texts`
}

/** One rule that fits every server, to change into those that fit this one. */
export function guardrailsFile(input: StartInput): string {
  return `# Takes away, whatever Grants give. A first rule; more of them, and all that expressions can look at: docs/documents.md.
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: ${yamlText(guardrailName(input))} }
spec:
  # Records say what it would have denied. When that looks right: Enforce.
  mode: Audit
  match: { servers: [${yamlText(input.name)}] }
  validations:
  # Looks at the arguments themselves, not at texts inside of lists and mappings.
  - expression: args.all(name, type(args[name]) != string || size(args[name]) <= ${longestText})
    message: no text in the arguments may have more than ${longestText} characters
    reason: ${guardrailReason}
    hint: Send less text, or divide it over several calls.
`
}
