import { parse } from 'yaml'
import { ClusterObject, DeploymentSpec, mergePatch, Scale } from './cluster-object.js'
import { apiVersionOf, discoveryDocument, findResourceType, type ResourceType } from './cluster-resources.js'
import type { ClusterStore } from './cluster-store.js'
import { tableOf } from './cluster-table.js'

export interface ApiRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
  readonly contentType: string
  readonly body: string
}

export interface ApiAnswer {
  readonly status: number
  /** An object is sent as JSON, a string as text. */
  readonly body: object | string
}

/** A place in the API: a collection when `name` is undefined. */
interface Target {
  readonly type: ResourceType
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

const PATCH_TYPES = new Set([
  'application/apply-patch+yaml',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
])

/** Answers one request like an API server would, as far as the demo and its tests need. */
export function answerApiRequest(store: ClusterStore, request: ApiRequest): ApiAnswer {
  const { method, path, query } = request
  if (method === 'GET' && ['/healthz', '/readyz', '/livez'].includes(path)) return { status: 200, body: 'ok' }
  if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') return selfSubjectAccessReview(request)
  if (method === 'GET') {
    const discovery = discoveryDocument(path)
    if (discovery !== undefined) return { status: 200, body: discovery }
  }
  if (request.contentType === 'application/vnd.kubernetes.protobuf') {
    return failure(415, 'UnsupportedMediaType', 'the simulated cluster reads JSON and YAML only')
  }
  const target = targetOf(path)
  if (target === undefined) return failure(404, 'NotFound', 'the server could not find the requested resource')
  if (query.get('watch') === 'true') return failure(405, 'MethodNotAllowed', 'the simulated cluster has no watch')
  if (target.subresource !== undefined) return answerSubresource(store, target, request)
  if (target.name === undefined) {
    if (method === 'GET') return list(store, target, request)
    if (method === 'POST') return create(store, target, request)
  } else {
    if (method === 'GET') return get(store, target)
    if (method === 'PUT') return update(store, target, request)
    if (method === 'PATCH') return patch(store, target, request)
    if (method === 'DELETE') return remove(store, target)
  }
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
}

/** A meta.k8s.io/v1 Status, the body of every failure. */
export function failure(status: number, reason: string, message: string): ApiAnswer {
  return {
    status,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code: status },
  }
}

function targetOf(path: string): Target | undefined {
  const segments = path.split('/').slice(1)
  const root = segments.shift()
  const group = root === 'apis' ? segments.shift() : root === 'api' ? '' : undefined
  const version = segments.shift()
  if (group === undefined || version === undefined) return undefined
  // /namespaces/<ns>/<plural>… is a place in a namespace; /namespaces and /namespaces/<name> are the objects themselves.
  const namespace = segments[0] === 'namespaces' && segments.length > 2 ? segments.splice(0, 2)[1] : undefined
  const [plural, name, subresource, ...rest] = segments
  if (plural === undefined || rest.length > 0 || [namespace, name, subresource].includes('')) return undefined
  const type = findResourceType(group, version, plural)
  if (type === undefined || (namespace !== undefined && !type.namespaced)) return undefined
  if (type.namespaced && name !== undefined && namespace === undefined) return undefined
  if (subresource !== undefined && !type.subresources.includes(subresource)) return undefined
  return { type, namespace, name, subresource }
}

function list(store: ClusterStore, { type, namespace }: Target, { query, accept }: ApiRequest): ApiAnswer {
  const labels = requirements(query.get('labelSelector'))
  const fields = requirements(query.get('fieldSelector'))
  if (labels === undefined || fields === undefined) {
    return failure(400, 'BadRequest', 'the simulated cluster understands selectors of the form key=value only')
  }
  const items = store
    .list(type, namespace)
    .filter(object => labels.every(([key, value]) => object.metadata.labels?.[key] === value))
    .filter(object => fields.every(([path, value]) => fieldAt(object, path) === value))
  const metadata = { resourceVersion: newest(items) }
  if (accept.includes('as=Table')) return { status: 200, body: tableOf(type, items, metadata.resourceVersion) }
  return { status: 200, body: { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata, items } }
}

function get(store: ClusterStore, target: Target): ApiAnswer {
  const object = lookUp(store, target)
  return object === undefined ? notFound(target) : { status: 200, body: object }
}

function create(store: ClusterStore, target: Target, request: ApiRequest): ApiAnswer {
  const parsed = objectFor(target, parseBody(request.body))
  if ('status' in parsed) return parsed
  if (lookUp(store, { ...target, name: parsed.object.metadata.name }) !== undefined) {
    return failure(409, 'AlreadyExists', `${describe(target.type)} "${parsed.object.metadata.name}" already exists`)
  }
  return write(store, target, parsed.object, 201, request)
}

function update(store: ClusterStore, target: Target, request: ApiRequest): ApiAnswer {
  if (lookUp(store, target) === undefined) return notFound(target)
  const parsed = objectFor(target, parseBody(request.body))
  return 'status' in parsed ? parsed : write(store, target, parsed.object, 200, request)
}

function patch(store: ClusterStore, target: Target, request: ApiRequest): ApiAnswer {
  if (!PATCH_TYPES.has(request.contentType)) {
    return failure(415, 'UnsupportedMediaType', `the simulated cluster has no patches of type ${request.contentType}`)
  }
  const before = lookUp(store, target)
  const isApply = request.contentType === 'application/apply-patch+yaml'
  if (before === undefined && !isApply) return notFound(target)
  if (isApply && !request.query.has('fieldManager')) {
    return failure(422, 'Invalid', 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value')
  }
  const parsed = objectFor(target, mergePatch(before, parseBody(request.body)))
  return 'status' in parsed ? parsed : write(store, target, parsed.object, before === undefined ? 201 : 200, request)
}

function remove(store: ClusterStore, target: Target): ApiAnswer {
  if (target.name === undefined || !store.remove(target.type, target.namespace ?? '', target.name)) {
    return notFound(target)
  }
  return { status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } }
}

function answerSubresource(store: ClusterStore, target: Target, request: ApiRequest): ApiAnswer {
  const object = lookUp(store, target)
  if (object === undefined) return notFound(target)
  if (target.subresource === 'log' && request.method === 'GET') {
    return { status: 200, body: `${object.metadata.name} is up\n` }
  }
  if (target.subresource !== 'scale') return failure(405, 'MethodNotAllowed', 'the method is not allowed here')
  const spec = DeploymentSpec.parse(object.spec)
  if (request.method === 'GET') return { status: 200, body: scaleOf(object, spec) }
  if (request.method !== 'PUT' && request.method !== 'PATCH') {
    return failure(405, 'MethodNotAllowed', 'the method is not allowed here')
  }
  const wanted = Scale.safeParse(parseBody(request.body))
  if (!wanted.success) return invalid(target, wanted.error.message)
  const changed = { ...spec, replicas: wanted.data.spec.replicas }
  const answer = write(store, target, { ...object, spec: changed }, 200, request)
  return answer.status === 200 ? { status: 200, body: scaleOf(object, changed) } : answer
}

function scaleOf({ metadata }: ClusterObject, { replicas, template }: DeploymentSpec): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata
  const selector = Object.entries(template.metadata.labels).map(pair => pair.join('='))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas },
    status: { replicas, selector: selector.join(',') },
  }
}

/** Writes what has been checked; `dryRun=All` only checks. */
function write(
  store: ClusterStore,
  target: Target,
  object: ClusterObject,
  status: number,
  request: ApiRequest,
): ApiAnswer {
  const { type, namespace } = target
  if (type.plural === 'deployments') {
    const spec = DeploymentSpec.safeParse(object.spec)
    if (!spec.success) return invalid(target, spec.error.message)
  }
  if (namespace !== undefined) {
    const namespaces = findResourceType('', 'v1', 'namespaces')
    if (namespaces === undefined || store.get(namespaces, '', namespace) === undefined) {
      return failure(404, 'NotFound', `namespaces "${namespace}" not found`)
    }
  }
  if (store.isFull()) return failure(403, 'Forbidden', 'exceeded quota: the simulated cluster is full')
  return { status, body: request.query.get('dryRun') === 'All' ? object : store.put(type, object) }
}

/** Checks that a body is an object of the kind, namespace and name that the path says. */
function objectFor(target: Target, value: unknown): { readonly object: ClusterObject } | ApiAnswer {
  const { type, namespace, name } = target
  const parsed = ClusterObject.safeParse(value)
  if (!parsed.success) return invalid(target, parsed.error.message)
  const object = parsed.data
  if (object.kind !== type.kind || object.apiVersion !== apiVersionOf(type)) {
    return failure(400, 'BadRequest', `${object.apiVersion} ${object.kind} is not a ${describe(type)}`)
  }
  if (type.namespaced && namespace === undefined) return failure(405, 'MethodNotAllowed', 'a namespace is required')
  if ((object.metadata.namespace ?? namespace) !== namespace) {
    return failure(400, 'BadRequest', 'the namespace of the object does not match the namespace on the request')
  }
  if (name !== undefined && object.metadata.name !== name) {
    return failure(400, 'BadRequest', 'the name of the object does not match the name on the URL')
  }
  return { object: namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } } }
}

/** JSON is YAML too, and server-side apply sends YAML. Aliases are bounded, so a small text cannot become a huge one. */
function parseBody(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 20, logLevel: 'silent' })
  } catch {
    return undefined
  }
}

/** The question is not read: client-go asks it in protobuf, and the answer is always yes. */
function selfSubjectAccessReview({ method }: ApiRequest): ApiAnswer {
  if (method !== 'POST') return failure(405, 'MethodNotAllowed', 'the method is not allowed here')
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: {}, spec: {} }
  const status = { allowed: true, reason: 'the simulated cluster lets its one client do everything' }
  return { status: 201, body: { ...review, status } }
}

function lookUp(store: ClusterStore, { type, namespace, name }: Target): ClusterObject | undefined {
  return name === undefined ? undefined : store.get(type, namespace ?? '', name)
}

function notFound({ type, name = '' }: Target): ApiAnswer {
  return failure(404, 'NotFound', `${describe(type)} "${name}" not found`)
}

function invalid({ type, name = '' }: Target, why: string): ApiAnswer {
  return failure(422, 'Invalid', `${type.kind} "${name}" is invalid: ${why.slice(0, 500)}`)
}

function describe({ group, plural }: ResourceType): string {
  return group === '' ? plural : `${plural}.${group}`
}

/** `a=b,c==d` as pairs; undefined when a selector uses more of the grammar. */
function requirements(selector: string | null): (readonly [key: string, value: string])[] | undefined {
  const pairs: (readonly [string, string])[] = []
  for (const term of (selector ?? '').split(',')) {
    if (term === '') continue
    const [key = '', value = '', ...rest] = term.split(/==?/)
    if (key === '' || rest.length > 0 || !term.includes('=') || /[!\s()]/.test(term)) return undefined
    pairs.push([key, value])
  }
  return pairs
}

function fieldAt(object: unknown, path: string): unknown {
  let value = object
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.getOwnPropertyDescriptor(value, key)?.value
  }
  return value
}

function newest(objects: readonly ClusterObject[]): string {
  return String(Math.max(1, ...objects.map(({ metadata }) => Number(metadata.resourceVersion ?? 0))))
}
