import { createHash, randomUUID } from 'node:crypto'
import { type ClusterObject, DeploymentSpec } from './cluster-object.js'
import { findResourceType, RESOURCE_TYPES, type ResourceType } from './cluster-resources.js'

const MAX_OBJECTS = 2_000

export interface ClusterStore {
  get(type: ResourceType, namespace: string, name: string): ClusterObject | undefined
  /** In order of namespace and name; `namespace` undefined means everywhere. */
  list(type: ResourceType, namespace: string | undefined): ClusterObject[]
  /** Creates or replaces, and does what the controllers would do. Status is theirs, and what `object` says of it is lost. */
  put(type: ResourceType, object: ClusterObject): ClusterObject
  remove(type: ResourceType, namespace: string, name: string): boolean
  isFull(): boolean
}

/**
 * The objects of the simulated cluster. Controllers run at once: a deployment has its pods, and they are Running, as
 * soon as it is written; a pod of a deployment that is deleted is replaced.
 */
export function createClusterStore(): ClusterStore {
  const objects = new Map<string, { readonly type: ResourceType; readonly object: ClusterObject }>()
  let revision = 0

  const keyOf = (type: ResourceType, namespace: string, name: string): string =>
    [type.group, type.plural, type.namespaced ? namespace : '', name].join('/')

  const store: ClusterStore = {
    get: (type, namespace, name) => objects.get(keyOf(type, namespace, name))?.object,
    list: (type, namespace) =>
      [...objects.entries()]
        .filter(
          ([, entry]) =>
            entry.type === type && (namespace ?? entry.object.metadata.namespace) === entry.object.metadata.namespace,
        )
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, entry]) => entry.object),
    put(type, object) {
      const stored = write(type, object)
      if (type.plural === 'deployments') reconcile(stored)
      return store.get(type, object.metadata.namespace ?? '', object.metadata.name) ?? stored
    },
    remove(type, namespace, name) {
      const object = store.get(type, namespace, name)
      if (object === undefined) return false
      objects.delete(keyOf(type, namespace, name))
      if (type.plural === 'namespaces') removeAllIn(name)
      for (const pod of podsOf(object)) objects.delete(keyOf(pods, namespace, pod.metadata.name))
      for (const owner of store.list(deployments, namespace)) if (isOwnedBy(object, owner)) reconcile(owner)
      return true
    },
    isFull: () => objects.size >= MAX_OBJECTS,
  }
  const pods = known('', 'pods')
  const deployments = known('apps', 'deployments')
  return store

  function write(type: ResourceType, object: ClusterObject, status = initialStatus(type)): ClusterObject {
    const { name, namespace } = object.metadata
    const before = store.get(type, namespace ?? '', name)?.metadata
    revision++
    const metadata = {
      ...object.metadata,
      uid: before?.uid ?? randomUUID(),
      creationTimestamp: before?.creationTimestamp ?? new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      resourceVersion: String(revision),
    }
    const { status: _ignored, ...rest } = object
    const stored = { ...rest, metadata, ...(status === undefined ? {} : { status }) }
    objects.set(keyOf(type, namespace ?? '', name), { type, object: stored })
    return stored
  }

  function reconcile(deployment: ClusterObject): void {
    const { name, namespace = '', uid = '' } = deployment.metadata
    const { replicas, template } = DeploymentSpec.parse(deployment.spec)
    const templateHash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)
    const wanted = new Set<string>()
    for (let i = 0; i < replicas; i++) {
      const suffix = createHash('sha256').update(`${uid}/${i}`).digest('hex').slice(0, 5)
      wanted.add(`${name}-${templateHash}-${suffix}`.slice(-253))
    }
    for (const pod of podsOf(deployment)) {
      if (!wanted.delete(pod.metadata.name)) objects.delete(keyOf(pods, namespace, pod.metadata.name))
    }
    for (const podName of wanted) {
      write(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: podName,
          namespace,
          labels: { ...template.metadata.labels, 'pod-template-hash': templateHash },
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }],
        },
        spec: template.spec,
      })
    }
    const status = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas }
    write(deployments, deployment, status)
  }

  function podsOf(owner: ClusterObject): ClusterObject[] {
    if (owner.kind !== 'Deployment') return []
    return store.list(pods, owner.metadata.namespace).filter(pod => isOwnedBy(pod, owner))
  }

  function removeAllIn(namespace: string): void {
    for (const type of RESOURCE_TYPES) {
      if (!type.namespaced) continue
      for (const { metadata } of store.list(type, namespace)) objects.delete(keyOf(type, namespace, metadata.name))
    }
  }
}

function isOwnedBy(object: ClusterObject, owner: ClusterObject): boolean {
  return object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false
}

function initialStatus(type: ResourceType): object | undefined {
  if (type.plural === 'pods') return { phase: 'Running' }
  if (type.plural === 'namespaces') return { phase: 'Active' }
  return undefined
}

function known(group: string, plural: string): ResourceType {
  const type = findResourceType(group, 'v1', plural)
  if (type === undefined) throw new Error(`no resource type ${plural}`)
  return type
}
