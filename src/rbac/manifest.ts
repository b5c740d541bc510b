import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { objectEscalation } from './escalation.js'
import type { Kinds } from './kinds.js'
import { isNamespaceName, isPathSegmentName } from './kubernetes-names.js'
import type { Operation } from './operation.js'
import { readManifest } from './read-manifest.js'
import type { CatalogReason } from './tool-catalog.js'
import { workloadOf } from './workload.js'

export interface ManifestRequest {
  readonly text: string
  readonly verbs: readonly string[]
  readonly kinds: Kinds
  readonly defaultNamespace: string | undefined
  readonly escalation: 'refuse' | 'authorize'
}

export type Refused = {
  readonly ok: false
  readonly reason: CatalogReason
  readonly message: string
  readonly hint: string | undefined
}

export type ManifestOperations =
  | {
      readonly ok: true
      readonly operations: readonly Operation[]
      readonly images: readonly string[] | undefined
      readonly replicas: readonly bigint[] | undefined
    }
  | Refused

/**
 * What writing a manifest amounts to: each of the verbs on each of its objects. One object that cannot be judged refuses
 * the whole, because servers apply documents one by one and would leave the first half behind. Never throws.
 */
export function manifestOperations(request: ManifestRequest): ManifestOperations {
  const manifest = readManifest(request.text)
  if (!manifest.ok) return { ok: false, reason: 'message.manifest', message: manifest.message, hint: manifest.hint }
  const operations: Operation[] = []
  let images: string[] | undefined = []
  let replicas: bigint[] | undefined = []
  for (const [index, object] of manifest.objects.entries()) {
    const one = objectOperations(request, object)
    if (!one.ok) return { ...one, message: `object ${index + 1} of the manifest: ${one.message}` }
    operations.push(...one.operations)
    images = one.images === undefined ? undefined : images?.concat(one.images)
    replicas = one.replicas === undefined ? undefined : replicas?.concat(one.replicas)
  }
  return { ok: true, operations, images, replicas }
}

function objectOperations(request: ManifestRequest, object: JsonObject): ManifestOperations {
  const apiVersion = object.get('apiVersion')
  const kind = object.get('kind')
  if (typeof apiVersion !== 'string' || typeof kind !== 'string')
    return malformed('apiVersion and kind must be given as text')
  if (kind.endsWith('List'))
    return malformed('lists of objects are not accepted', 'write each object as a document, separated by ---')
  const found = request.kinds.find(apiVersion, kind)
  if (!found.ok) return { ok: false, reason: 'authorization.kind_unknown', message: found.message, hint: found.hint }
  const known = found.kind
  const metadata = object.get('metadata')
  if (!isJsonObject(metadata)) return malformed('metadata is missing or not an object')
  if (metadata.has('generateName')) return malformed('metadata.generateName is not accepted', 'choose a metadata.name')
  const name = metadata.get('name')
  if (typeof name !== 'string' || !isPathSegmentName(name))
    return malformed('metadata.name must be text and a valid name')
  for (const field of ['labels', 'annotations']) {
    if (!isTextMap(metadata.get(field)))
      return malformed(`metadata.${field} must map text to text`, 'put the values in quotes')
  }
  const namespace = namespaceOf(request, metadata, known.namespaced)
  if (typeof namespace !== 'string') return namespace
  const { verbs } = request
  const escalation = objectEscalation({ kind: known, namespace, name, object, verbs, escalation: request.escalation })
  if (!escalation.ok)
    return { ok: false, reason: 'authorization.manifest_refused', message: escalation.message, hint: undefined }
  const workload = workloadOf(known, object)
  if (!workload.ok) return malformed(workload.message)

  const { group, version, resource } = known
  const operations = verbs.map(
    (verb): Operation => ({
      verb,
      group,
      version,
      resource,
      subresource: '',
      namespace,
      name,
      clusterScoped: !known.namespaced,
      object,
    }),
  )
  return {
    ok: true,
    operations: [...operations, ...escalation.operations],
    images: workload.images,
    replicas: workload.replicas,
  }
}

function namespaceOf(request: ManifestRequest, metadata: JsonObject, namespaced: boolean): string | Refused {
  const given = metadata.get('namespace')
  if (!namespaced)
    return given === undefined
      ? ''
      : malformed('it has no namespace, but metadata.namespace is given', 'leave metadata.namespace out')
  if (given === undefined) {
    if (request.defaultNamespace !== undefined) return request.defaultNamespace
    return {
      ok: false,
      reason: 'authorization.namespace',
      message: 'metadata.namespace is missing',
      hint: 'name the namespace',
    }
  }
  if (typeof given === 'string' && isNamespaceName(given)) return given
  return {
    ok: false,
    reason: 'authorization.namespace',
    message: 'metadata.namespace is not a valid namespace',
    hint: 'use lower-case letters, digits and "-", at most 63, as text',
  }
}

function isTextMap(value: JsonValue | undefined): boolean {
  if (value === undefined) return true
  return isJsonObject(value) && [...value.values()].every(item => typeof item === 'string')
}

function malformed(message: string, hint?: string): Refused {
  return { ok: false, reason: 'message.manifest', message, hint }
}
