import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import type { KnownKind } from './kinds.js'

/** What an object would make the cluster run. `undefined` = it may hold containers or replicas in places unknown to us. */
export type Workload =
  | {
      readonly ok: true
      readonly images: readonly string[] | undefined
      readonly replicas: readonly bigint[] | undefined
    }
  | { readonly ok: false; readonly message: string }

const inTemplate = ['spec', 'template', 'spec']
const podSpecs: ReadonlyMap<string, readonly string[]> = new Map([
  ['/Pod', ['spec']],
  ['/PodTemplate', ['template', 'spec']],
  ['/ReplicationController', inTemplate],
  ['apps/DaemonSet', inTemplate],
  ['apps/Deployment', inTemplate],
  ['apps/ReplicaSet', inTemplate],
  ['apps/StatefulSet', inTemplate],
  ['batch/Job', inTemplate],
  ['batch/CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
])

interface Counts {
  /** From the object to what holds the counts. */
  readonly path: readonly string[]
  readonly fields: readonly string[]
}

const specReplicas: Counts = { path: ['spec'], fields: ['replicas'] }
const jobPods = ['parallelism', 'completions']

/**
 * An autoscaler's bounds are replica counts too: a cap that it could lift would be none. So are the pods that a Job runs
 * at once or one after the other.
 */
const replicaCounts: ReadonlyMap<string, Counts> = new Map([
  ['/ReplicationController', specReplicas],
  ['apps/Deployment', specReplicas],
  ['apps/ReplicaSet', specReplicas],
  ['apps/StatefulSet', specReplicas],
  ['batch/Job', { path: ['spec'], fields: jobPods }],
  ['batch/CronJob', { path: ['spec', 'jobTemplate', 'spec'], fields: jobPods }],
  ['autoscaling/HorizontalPodAutoscaler', { path: ['spec'], fields: ['minReplicas', 'maxReplicas'] }],
])

/** Built-in kinds that hold arbitrary data which controllers turn into pods again. */
const opaque: ReadonlySet<string> = new Set(['apps/ControllerRevision'])

/** Every image (containers of all sorts, image volumes) and every replica count that writing the object would set. */
export function workloadOf(kind: KnownKind, object: JsonObject): Workload {
  const key = `${kind.group}/${kind.kind}`
  if (kind.custom || opaque.has(key)) return { ok: true, images: undefined, replicas: undefined }
  const images: string[] = []
  const replicas: bigint[] = []
  const path = podSpecs.get(key)
  const message =
    (path === undefined ? undefined : collectImages(object, path, images)) ??
    collectReplicas(object, replicaCounts.get(key), replicas)
  return message === undefined ? { ok: true, images, replicas } : { ok: false, message }
}

function collectImages(object: JsonObject, path: readonly string[], images: string[]): string | undefined {
  const spec = specAt(object, path)
  if (spec === undefined || typeof spec === 'string') return spec
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    const message = collectFrom(spec, list, container => imageAt(container, 'image', images))
    if (message !== undefined) return message
  }
  return collectFrom(spec, 'volumes', volume => {
    const source = volume.get('image')
    if (source === undefined) return true
    return isJsonObject(source) && imageAt(source, 'reference', images)
  })
}

/** The object at a path; undefined if it is absent, a message if something on the way is no object. */
function specAt(object: JsonObject, path: readonly string[]): JsonObject | string | undefined {
  let spec: JsonValue | undefined = object
  for (const field of path) {
    if (!isJsonObject(spec)) return `${path.join('.')} is not an object`
    spec = spec.get(field)
    if (spec === undefined) return undefined
  }
  return isJsonObject(spec) ? spec : `${path.join('.')} is not an object`
}

function collectFrom(spec: JsonObject, list: string, collect: (item: JsonObject) => boolean): string | undefined {
  const items = spec.get(list)
  if (items === undefined) return undefined
  if (!isJsonArray(items)) return `${list} is not a list`
  const fine = items.every(item => isJsonObject(item) && collect(item))
  return fine ? undefined : `${list} has an element that is not an object, or whose image is not text`
}

function imageAt(holder: JsonObject, field: string, images: string[]): boolean {
  const image = holder.get(field)
  if (image === undefined) return true
  if (typeof image !== 'string') return false
  images.push(image)
  return true
}

function collectReplicas(object: JsonObject, counts: Counts | undefined, replicas: bigint[]): string | undefined {
  if (counts === undefined) return undefined
  const spec = specAt(object, counts.path)
  if (spec === undefined || typeof spec === 'string') return spec
  for (const field of counts.fields) {
    const count = spec.get(field)
    if (count === undefined) continue
    if (typeof count !== 'bigint' || count < 0n) return `${counts.path.join('.')}.${field} is not a whole number from 0`
    replicas.push(count)
  }
  return undefined
}
