import type { UserInfo } from './principal.js'
import { serviceAccountUser } from './service-account.js'

/** A pattern of SPIFFE ids and the ServiceAccount that a matching workload is. */
export interface WorkloadMapping {
  readonly segments: readonly string[]
  /** `namespace/name`, with $1 … $9 for what the stars stand for. */
  readonly serviceAccount: string
}

export type CompiledWorkload =
  | { readonly ok: true; readonly mapping: WorkloadMapping }
  | { readonly ok: false; readonly field: 'spiffe' | 'serviceAccount'; readonly message: string }

/** Checks a pattern: the trust domain is literal, and a star is a whole path segment, so that nothing is ambiguous. */
export function compileWorkload(spiffe: string, serviceAccount: string): CompiledWorkload {
  const broken = (field: 'spiffe' | 'serviceAccount', message: string) => ({ ok: false, field, message }) as const
  if (!spiffe.startsWith('spiffe://')) return broken('spiffe', 'must begin with spiffe://')
  const segments = spiffe.slice('spiffe://'.length).split('/')
  if (segments.length < 2 || segments.includes(''))
    return broken('spiffe', 'needs a trust domain and a path without empty segments')
  if (segments[0]?.includes('*')) return broken('spiffe', 'must name the trust domain without a star')
  if (segments.some(segment => segment.includes('*') && segment !== '*'))
    return broken('spiffe', 'a star stands for a whole path segment')
  const stars = segments.filter(segment => segment === '*').length
  if (stars > 9) return broken('spiffe', 'has more than nine stars')
  const parts = serviceAccount.split('/')
  if (parts.length !== 2 || parts.includes(''))
    return broken('serviceAccount', 'must be namespace/name, such as "$1/$2"')
  for (const [reference, digit] of serviceAccount.matchAll(/\$(\d?)/g))
    if (digit === '' || Number(digit) < 1 || Number(digit) > stars)
      return broken('serviceAccount', `"${reference}" refers to a star that the pattern does not have`)
  return { ok: true, mapping: { segments, serviceAccount } }
}

/** The ServiceAccount of a SPIFFE id by the first pattern that matches; undefined when none does. */
export function workloadUser(workload: string, mappings: readonly WorkloadMapping[]): UserInfo | undefined {
  if (!workload.startsWith('spiffe://')) return undefined
  const segments = workload.slice('spiffe://'.length).split('/')
  for (const mapping of mappings) {
    if (mapping.segments.length !== segments.length) continue
    if (!mapping.segments.every((segment, index) => segment === '*' || segment === segments[index])) continue
    const stars = segments.filter((_, index) => mapping.segments[index] === '*')
    const [namespace = '', name = ''] = mapping.serviceAccount
      .split('/')
      .map(part => part.replace(/\$(\d)/g, (_, digit: string) => stars[Number(digit) - 1] ?? ''))
    return serviceAccountUser({ namespace, name })
  }
  return undefined
}
