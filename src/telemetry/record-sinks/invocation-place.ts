/** What our objects have and others of the same kind need not. */
export const ownerLabel = { name: 'app.kubernetes.io/managed-by', value: 'mcp-authz' } as const

export function invocationsPath(namespace: string): string {
  return `/apis/mcp-authz.dev/v1alpha1/namespaces/${namespace}/mcptoolinvocations`
}
