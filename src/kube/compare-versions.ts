/**
 * Compares two resourceVersions: below 0 if `a` is older. undefined where they cannot be compared: only decimal numbers
 * without leading zeros have an order (KEP-5504, Kubernetes 1.35; all API servers on etcd wrote them before); anything
 * else is opaque.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (a === b) return 0
  if (!decimal.test(a) || !decimal.test(b)) return undefined
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : 1
}

const decimal = /^[1-9][0-9]{0,38}$/
