/**
 * Guardrails that every call passes and that cost: with twenty of them a decision takes milliseconds. Each looks at what
 * was asked, so that nothing of it can be worked out ahead.
 */
export function costlyPolicies(count = 20): Readonly<Record<string, string>> {
  const numbers = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]'
  const guardrails = Array.from(
    { length: count },
    (_, n) => `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: costly-${n} }
spec:
  match: { servers: [kubernetes] }
  validations:
  - expression: "replicas.all(n, ${numbers}.all(a, ${numbers}.all(b, a * b + n < ${100_000 + n})))"
`,
  )
  return { 'costly.yaml': guardrails.join('---\n') }
}
