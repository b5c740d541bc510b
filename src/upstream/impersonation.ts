import type { Principal } from '../identity/principal.js'
import { toldGroups } from './principal-claims.js'

export interface ImpersonationSettings {
  /** Groups that may be told; of the caller's others nothing is said. undefined: all. */
  readonly groups: readonly string[] | undefined
  readonly uid: boolean
  /** Keys of `extra` that are told. */
  readonly extra: readonly string[]
}

export type Impersonation =
  | { readonly ok: true; readonly headers: readonly { readonly name: string; readonly value: string }[] }
  | { readonly ok: false; readonly message: string }

/**
 * The caller in the words of the Kubernetes API server: Impersonate-User, -Group, -Uid, -Extra-*. An empty
 * Impersonate-User means nobody is impersonated, and the server acts with all its own rights, so that whatever cannot be
 * said exactly is refused: an empty or padded name, one with a comma or beyond ASCII (proxies and languages read those in
 * different ways), more groups than fit, no user (anonymous). Each group is a header of its own, as the API server reads
 * them. `system:authenticated`, and the groups of a ServiceAccount, are added by the API server itself.
 * @param maxGroups that the gateway can be told: an answer to ext_authz sets one value of a name
 */
export function impersonate(principal: Principal, settings: ImpersonationSettings, maxGroups: number): Impersonation {
  const { user, kind } = principal
  if (kind === 'anonymous') return refuse('nobody is impersonated for a caller without a name')
  if (!isPlain(user.username)) return refuse('the name of the caller cannot be told to the server behind exactly')
  const headers = [{ name: 'impersonate-user', value: user.username }]
  const told = groupsOf(principal, settings.groups, maxGroups)
  if (!told.ok) return told
  for (const value of told.groups) headers.push({ name: 'impersonate-group', value })
  if (settings.uid && user.uid !== '') {
    if (!isPlain(user.uid)) return refuse('the uid of the caller cannot be told to the server behind exactly')
    headers.push({ name: 'impersonate-uid', value: user.uid })
  }
  for (const key of settings.extra) {
    const values = user.extra.get(key) ?? []
    const [value] = values
    if (value === undefined) continue
    if (values.length > 1 || !isPlain(value))
      return refuse(`"${key}" of the caller cannot be told to the server behind exactly: it has to be one plain value`)
    headers.push({ name: `impersonate-extra-${encodeURIComponent(key).toLowerCase()}`, value })
  }
  return { ok: true, headers }
}

type Groups =
  | { readonly ok: true; readonly groups: readonly string[] }
  | { readonly ok: false; readonly message: string }

function groupsOf(principal: Principal, listed: readonly string[] | undefined, maxGroups: number): Groups {
  const own = serviceAccountGroups(principal.user.username)
  const all = toldGroups(principal).filter(group => !own.includes(group))
  const groups = [...new Set(listed === undefined ? all : all.filter(group => listed.includes(group)))]
  if (groups.length > maxGroups) {
    const most = maxGroups === 1 ? 'only one' : `at most ${maxGroups}`
    return refuse(`the caller is in ${groups.length} groups, and the gateway can tell the server behind ${most}`)
  }
  if (groups.some(group => !isPlain(group)))
    return refuse('the group of the caller cannot be told to the server behind exactly')
  // The API server adds the groups of a ServiceAccount only when it is told none.
  if (own.length > 0 && groups.length > 0)
    return refuse('a ServiceAccount that is in another group cannot be told to the server behind')
  return { ok: true, groups }
}

const serviceAccountPrefix = 'system:serviceaccount:'

function serviceAccountGroups(username: string): readonly string[] {
  if (!username.startsWith(serviceAccountPrefix)) return []
  const [namespace = ''] = username.slice(serviceAccountPrefix.length).split(':', 1)
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
}

const maxLength = 1024

function isPlain(name: string): boolean {
  return name.length <= maxLength && /^[\x21-\x2b\x2d-\x7e](?:[\x20-\x2b\x2d-\x7e]*[\x21-\x2b\x2d-\x7e])?$/.test(name)
}

function refuse(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message }
}
