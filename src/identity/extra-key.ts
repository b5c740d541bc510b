/**
 * What is wrong with a key of `extra`, by the API server's rules: a domain and a path, lower-case, and not in a domain that
 * belongs to Kubernetes. undefined when nothing is.
 */
export function extraKeyProblem(key: string): string | undefined {
  const slash = key.indexOf('/')
  const domain = key.slice(0, Math.max(slash, 0))
  if (slash < 1 || slash === key.length - 1) return 'must be a domain and a path, such as example.com/team'
  if (key !== key.toLowerCase()) return 'must be lower-case'
  if (domain.length > 253 || !domain.split('.').every(label => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label)))
    return 'must begin with a domain name, such as example.com/team'
  if (!/^[a-z0-9\-._~%!$&'()*+,;=:/]+$/.test(key.slice(slash + 1)))
    return 'has a path with characters that are not allowed'
  if (['k8s.io', 'kubernetes.io'].some(owned => domain === owned || domain.endsWith(`.${owned}`)))
    return 'must not use a domain of Kubernetes (k8s.io, kubernetes.io)'
  return undefined
}
