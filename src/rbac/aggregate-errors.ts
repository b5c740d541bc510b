/** The text of k8s.io/apimachinery's Aggregate: one message as it is, several distinct ones in brackets; "" for none. */
export function aggregateErrors(errors: readonly string[]): string {
  const distinct = [...new Set(errors)]
  return distinct.length > 1 ? `[${distinct.join(', ')}]` : distinct.join('')
}
