import type { UserInfo } from './principal.js'

/** RFC 1123: a namespace. */
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
/** One part of a DNS subdomain, as the API server checks the name of an object: the whole has a longest length, its parts none. */
const part = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

const prefix = 'system:serviceaccount:'

export interface ServiceAccount {
  readonly namespace: string
  readonly name: string
}

/**
 * The user that a ServiceAccount is to the API server, but for its uid and extra. undefined when there can be none of this
 * name: whatever it was made of must not smuggle a colon or worse into a name that RBAC reads.
 */
export function serviceAccountUser({ namespace, name }: ServiceAccount): UserInfo | undefined {
  if (!label.test(namespace) || name.length > 253 || !name.split('.').every(one => part.test(one))) return undefined
  return {
    username: `${prefix}${namespace}:${name}`,
    uid: '',
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: new Map(),
  }
}

/** Takes `system:serviceaccount:<namespace>:<name>` apart; undefined when it is anything else. */
export function serviceAccountOf(username: string): ServiceAccount | undefined {
  if (!username.startsWith(prefix)) return undefined
  const [namespace = '', name = '', ...more] = username.slice(prefix.length).split(':', 3)
  const account = { namespace, name }
  return more.length === 0 && serviceAccountUser(account) !== undefined ? account : undefined
}
