import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import * as z from 'zod'
import { type AuditEvent, readAuditLog } from './kube-audit-log.js'
import { type Caller, createKubeClient, type KubeClient } from './kube-client.js'
import type { KubeServerPlace } from './kube-server.js'

/** What can be done with an API server by whoever knows the token of its admin. */
export interface KubeAccess extends KubeServerPlace {
  readonly adminToken: string
  /** A client that may do everything. */
  readonly admin: KubeClient
  /** A client for anybody: `as('alice')`, `as({ user, groups })`, `as({ token })`. */
  as(caller: Caller): KubeClient
  /** `admin.apply`. */
  apply(what: string | object): Promise<void>
  /** Writes a kubeconfig with one context and returns its path: with a token, as one of `users`, or without credentials. */
  kubeconfig(who?: { readonly token: string } | { readonly user: string }): Promise<string>
  /** By TokenRequest, for a ServiceAccount that is there. */
  serviceAccountToken(namespace: string, name: string, options?: TokenOptions): Promise<string>
  /** May this user do that, by the API server's own SubjectAccessReview. */
  review(spec: object): Promise<{ readonly allowed: boolean; readonly reason: string }>
  /** Requests so far, if it was started with `audit` (as by default). */
  audit(): Promise<AuditEvent[]>
}

export interface TokenOptions {
  /** Default: those of the API server itself. */
  readonly audiences?: readonly string[]
  /** At least 600. Default 3600. */
  readonly expirationSeconds?: number
  /** Name of the pod that the token ends with. */
  readonly boundPod?: string
}

const TokenAnswer = z.looseObject({ status: z.looseObject({ token: z.string() }) })
const ReviewAnswer = z.looseObject({ status: z.looseObject({ allowed: z.boolean(), reason: z.string().default('') }) })

/** Opens nothing before it is used. */
export function accessTo(place: KubeServerPlace): KubeAccess {
  const { url, port, directory, caFile, tokens } = place
  const admin = createKubeClient(place, 'admin')
  return {
    ...{ url, port, directory, caFile, tokens, admin },
    adminToken: tokens.admin ?? '',
    as: caller => createKubeClient(place, caller),
    apply: what => admin.apply(what),
    async kubeconfig(who) {
      const token = who === undefined ? undefined : 'token' in who ? who.token : tokens[who.user]
      if (who !== undefined && token === undefined) throw new Error('the API server was started without this user')
      const file = join(directory, `kubeconfig-${randomUUID()}.yaml`)
      await writeFile(file, stringify(kubeconfigFor(place, token)), { mode: 0o600 })
      return file
    },
    async serviceAccountToken(namespace, name, { audiences, expirationSeconds = 3600, boundPod } = {}) {
      const boundObjectRef =
        boundPod === undefined ? {} : { boundObjectRef: await referenceTo(admin, namespace, boundPod) }
      const answer = await admin.post(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { ...(audiences === undefined ? {} : { audiences }), expirationSeconds, ...boundObjectRef },
      })
      if (answer.status !== 201) throw new Error(`no token for ${namespace}/${name}: ${answer.message}`)
      return TokenAnswer.parse(answer.body).status.token
    },
    async review(spec) {
      const answer = await admin.post('/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldValidation=Strict', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec,
      })
      if (answer.status !== 201) throw new Error(`no review: ${answer.message}`)
      return ReviewAnswer.parse(answer.body).status
    },
    audit: () => readAuditLog(directory),
  }
}

async function referenceTo(admin: KubeClient, namespace: string, name: string): Promise<object> {
  const { body } = await admin.get(`/api/v1/namespaces/${namespace}/pods/${name}`)
  const { uid } = z.looseObject({ metadata: z.looseObject({ uid: z.string() }) }).parse(body).metadata
  return { apiVersion: 'v1', kind: 'Pod', name, uid }
}

function kubeconfigFor({ url, caFile }: KubeServerPlace, token: string | undefined): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: 'test', user: token === undefined ? {} : { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  }
}
