import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import type { UserInfo } from './principal.js'
import { serviceAccountOf, serviceAccountUser } from './service-account.js'

/** Of which ServiceAccount a token says that it is. */
export interface ServiceAccountClaims {
  /** As the API server must name it, if the token is what it says; without extra. */
  readonly user: UserInfo
  /** What the API server's extra says about the token, by key, where it says so; "" where it may say nothing. */
  readonly bound: ReadonlyMap<string, string>
}

/** Kubernetes pkg/serviceaccount/util.go and apiserver pkg/authentication/user. */
const extraOf = {
  podName: 'authentication.kubernetes.io/pod-name',
  podUid: 'authentication.kubernetes.io/pod-uid',
  nodeName: 'authentication.kubernetes.io/node-name',
  nodeUid: 'authentication.kubernetes.io/node-uid',
  credentialId: 'authentication.kubernetes.io/credential-id',
} as const

/**
 * The claims that an API server writes into a token of a ServiceAccount (Kubernetes pkg/serviceaccount/claims.go): `sub`,
 * and the same again in `kubernetes.io`, with the pod and node that the token is bound to. undefined for any other token,
 * and for one whose claims contradict each other.
 */
export function serviceAccountClaims(claims: JsonObject): ServiceAccountClaims | undefined {
  const subject = claims.get('sub')
  const account = typeof subject === 'string' ? serviceAccountOf(subject) : undefined
  const user = account && serviceAccountUser(account)
  const said = claims.get('kubernetes.io')
  if (account === undefined || user === undefined || !isJsonObject(said)) return undefined
  const named = reference(said.get('serviceaccount'))
  if (said.get('namespace') !== account.namespace || named?.name !== account.name || named.uid === '') return undefined
  const [pod, node] = [reference(said.get('pod')), reference(said.get('node'))]
  if (pod === undefined || node === undefined) return undefined
  const id = claims.get('jti')
  const bound = [
    [extraOf.podName, pod.name],
    [extraOf.podUid, pod.uid],
    [extraOf.nodeName, node.name],
    [extraOf.nodeUid, node.uid],
    [extraOf.credentialId, typeof id === 'string' && id !== '' ? `JTI=${id}` : ''],
  ] as const
  return { user: { ...user, uid: named.uid }, bound: new Map(bound) }
}

/** Name and uid of an object, "" where nothing is said; undefined when it is said in another form. */
function reference(value: JsonValue | undefined): { readonly name: string; readonly uid: string } | undefined {
  if (value === undefined) return { name: '', uid: '' }
  if (!isJsonObject(value)) return undefined
  const [name = '', uid = ''] = [value.get('name'), value.get('uid')]
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined
}
