import { didYouMean } from '../documents/did-you-mean.js'

/** A kind of the Kubernetes API and the resource that serves it. */
export interface KnownKind {
  readonly apiVersion: string
  readonly kind: string
  readonly group: string
  readonly version: string
  /** Plural, as in RBAC. */
  readonly resource: string
  readonly namespaced: boolean
  /** Has the subresource `scale`. */
  readonly scale: boolean
  /** Not of the table below: what its objects hold is unknown. */
  readonly custom: boolean
}

export type KindLookup =
  | { readonly ok: true; readonly kind: KnownKind }
  | { readonly ok: false; readonly message: string; readonly hint: string | undefined }

/** Finds a kind by its exact spelling; `Kinds` of a catalogue are the built-in ones and those that it adds. */
export interface Kinds {
  /** All of them; those that only a cluster knows are not among them. */
  readonly all: readonly KnownKind[]
  find(apiVersion: string, kind: string): KindLookup
  /** The built-in or added kind that a group and plural resource belong to, of any version. */
  ofResource(group: string, resource: string): KnownKind | undefined
}

/**
 * The kinds that Kubernetes 1.34 to 1.36 serve by default, one line per API version: `Kind` and its plural resource;
 * `*` = cluster-scoped, `+` = has `scale`. Virtual kinds of subresources (Eviction, TokenRequest, Scale) are not in it:
 * a manifest cannot write them.
 */
const table: readonly (readonly [apiVersion: string, kinds: string])[] = [
  [
    'v1',
    `Binding=bindings ComponentStatus=*componentstatuses ConfigMap=configmaps Endpoints=endpoints Event=events
     LimitRange=limitranges Namespace=*namespaces Node=*nodes PersistentVolume=*persistentvolumes
     PersistentVolumeClaim=persistentvolumeclaims Pod=pods PodTemplate=podtemplates
     ReplicationController=+replicationcontrollers ResourceQuota=resourcequotas Secret=secrets Service=services
     ServiceAccount=serviceaccounts`,
  ],
  [
    'admissionregistration.k8s.io/v1',
    `MutatingAdmissionPolicy=*mutatingadmissionpolicies
     MutatingAdmissionPolicyBinding=*mutatingadmissionpolicybindings
     MutatingWebhookConfiguration=*mutatingwebhookconfigurations
     ValidatingAdmissionPolicy=*validatingadmissionpolicies
     ValidatingAdmissionPolicyBinding=*validatingadmissionpolicybindings
     ValidatingWebhookConfiguration=*validatingwebhookconfigurations`,
  ],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition=*customresourcedefinitions'],
  ['apiregistration.k8s.io/v1', 'APIService=*apiservices'],
  [
    'apps/v1',
    `ControllerRevision=controllerrevisions DaemonSet=daemonsets Deployment=+deployments ReplicaSet=+replicasets
     StatefulSet=+statefulsets`,
  ],
  ['authentication.k8s.io/v1', 'SelfSubjectReview=*selfsubjectreviews TokenReview=*tokenreviews'],
  [
    'authorization.k8s.io/v1',
    `LocalSubjectAccessReview=localsubjectaccessreviews SelfSubjectAccessReview=*selfsubjectaccessreviews
     SelfSubjectRulesReview=*selfsubjectrulesreviews SubjectAccessReview=*subjectaccessreviews`,
  ],
  ['autoscaling/v1', 'HorizontalPodAutoscaler=horizontalpodautoscalers'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler=horizontalpodautoscalers'],
  ['batch/v1', 'CronJob=cronjobs Job=jobs'],
  ['certificates.k8s.io/v1', 'CertificateSigningRequest=*certificatesigningrequests'],
  ['coordination.k8s.io/v1', 'Lease=leases'],
  ['discovery.k8s.io/v1', 'EndpointSlice=endpointslices'],
  ['events.k8s.io/v1', 'Event=events'],
  [
    'flowcontrol.apiserver.k8s.io/v1',
    'FlowSchema=*flowschemas PriorityLevelConfiguration=*prioritylevelconfigurations',
  ],
  [
    'networking.k8s.io/v1',
    `IPAddress=*ipaddresses Ingress=ingresses IngressClass=*ingressclasses NetworkPolicy=networkpolicies
     ServiceCIDR=*servicecidrs`,
  ],
  ['node.k8s.io/v1', 'RuntimeClass=*runtimeclasses'],
  ['policy/v1', 'PodDisruptionBudget=poddisruptionbudgets'],
  [
    'rbac.authorization.k8s.io/v1',
    `ClusterRole=*clusterroles ClusterRoleBinding=*clusterrolebindings Role=roles RoleBinding=rolebindings`,
  ],
  [
    'resource.k8s.io/v1',
    `DeviceClass=*deviceclasses ResourceClaim=resourceclaims ResourceClaimTemplate=resourceclaimtemplates
     ResourceSlice=*resourceslices`,
  ],
  ['scheduling.k8s.io/v1', 'PriorityClass=*priorityclasses'],
  [
    'storage.k8s.io/v1',
    `CSIDriver=*csidrivers CSINode=*csinodes CSIStorageCapacity=csistoragecapacities StorageClass=*storageclasses
     VolumeAttachment=*volumeattachments VolumeAttributesClass=*volumeattributesclasses`,
  ],
]

/** Group and version of an apiVersion as the API server writes it; undefined for any other spelling (`/v1`, `a/b/c`). */
export function parseApiVersion(apiVersion: string): { readonly group: string; readonly version: string } | undefined {
  const match = /^(?:([a-z0-9][-a-z0-9.]{0,252})\/)?(v[1-9][0-9]{0,3}(?:(?:alpha|beta)[1-9][0-9]{0,3})?)$/.exec(
    apiVersion,
  )
  const version = match?.[2]
  return version === undefined ? undefined : { group: match?.[1] ?? '', version }
}

function parseTable(): readonly KnownKind[] {
  return table.flatMap(([apiVersion, kinds]) => {
    const parsed = parseApiVersion(apiVersion)
    if (parsed === undefined) return []
    return kinds.split(/\s+/).map(entry => {
      const [kind = '', marked = ''] = entry.split('=')
      const mark = marked.charAt(0)
      const resource = mark === '*' || mark === '+' ? marked.slice(1) : marked
      return { apiVersion, kind, ...parsed, resource, namespaced: mark !== '*', scale: mark === '+', custom: false }
    })
  })
}

const builtIn = parseTable()

/** The built-in kinds together with those that a catalogue adds; an added one never replaces a built-in one. */
export function createKinds(added: readonly KnownKind[] = []): Kinds {
  const all: KnownKind[] = []
  // By apiVersion, then by kind: a key of both would have to be put together for every call.
  const byVersion = new Map<string, Map<string, KindLookup>>()
  const byResource = new Map<string, KnownKind>()
  for (const known of [...builtIn, ...added]) {
    const ofVersion = byVersion.get(known.apiVersion) ?? new Map<string, KindLookup>()
    byVersion.set(known.apiVersion, ofVersion)
    if (!ofVersion.has(known.kind)) {
      ofVersion.set(known.kind, { ok: true, kind: known })
      all.push(known)
    }
    const resource = `${known.group} ${known.resource}`
    if (!byResource.has(resource)) byResource.set(resource, known)
  }
  return {
    all,
    find: (apiVersion, kind) => byVersion.get(apiVersion)?.get(kind) ?? unknown(all, apiVersion, kind),
    ofResource: (group, resource) => byResource.get(`${group} ${resource}`),
  }
}

export const addedByOperator = 'the operator can add custom kinds to the catalogue (spec.kinds)'

/** What the caller wrote is not repeated; what was probably meant comes from our own table. */
function unknown(kinds: readonly KnownKind[], apiVersion: string, kind: string): KindLookup {
  const message = 'this apiVersion and kind are not known here, so nobody can be authorized for them'
  const lower = kind.toLowerCase()
  const same = kinds.filter(known => known.kind.toLowerCase() === lower || known.resource === lower)
  const meant = same.find(known => known.apiVersion === apiVersion) ?? same[0]
  if (meant !== undefined)
    return { ok: false, message, hint: `write apiVersion ${meant.apiVersion} and kind ${meant.kind}` }
  const close = didYouMean(kind, new Set(kinds.map(known => known.kind)))
  const closest = kinds.find(known => known.kind === close)
  const hint =
    closest === undefined ? addedByOperator : `did you mean kind ${closest.kind} of apiVersion ${closest.apiVersion}?`
  return { ok: false, message, hint }
}
