import type { Random } from '../fuzz/random.js'
import { isRecord, list, metadataOf } from './generate.js'
import { isReachable } from './generate-object.js'
import type { Json } from './mutate-manifest.js'
import type { OracleRequest } from './question.js'
import { groupNames, groups, names, paths, resources, userNames, verbs } from './vocabulary.js'

/** Most requests are made to fit a binding and its role, and then perhaps not in one thing. */
export function generateRequest(random: Random, objects: readonly Json[]): OracleRequest {
  const request: Mutable = {
    user: random.pick([...userNames, '']),
    groups: list(random, 2, () => random.pick(groupNames), 0),
    verb: random.pick(verbs),
    group: random.pick(groups),
    resource: random.pick(resources),
    subresource: random.pick(['', '', 'log', '*', 'tools']),
    namespace: random.pick(['', 'dev', 'dev', 'prod', 'Dev', '*']),
    name: random.pick(['', ...names]),
  }
  const other: OracleRequest = { ...request }
  const fitting = objects.filter(object => Array.isArray(object.subjects) && isRecord(object.roleRef))
  if (fitting.length > 0 && random.chance(0.9)) fitBinding(random, request, random.pick(fitting), objects)
  if (random.chance(0.4)) {
    const field = random.pick(['user', 'verb', 'group', 'resource', 'subresource', 'namespace', 'name'] as const)
    request[field] = other[field]
  }
  // A request for a URL has no namespace.
  if (request.path !== undefined) return { ...request, namespace: '' }
  return random.chance(0.03) ? { ...request, namespace: '', path: random.pick(paths) } : request
}

type Mutable = { -readonly [Key in keyof OracleRequest]: OracleRequest[Key] }

function fitBinding(random: Random, request: Mutable, binding: Json, objects: readonly Json[]): void {
  const namespace = metadataOf(binding).namespace
  if (typeof namespace === 'string') request.namespace = namespace
  fitSubject(random, request, pickRecord(random, binding.subjects))
  const { kind, name } = isRecord(binding.roleRef) ? binding.roleRef : {}
  const role = objects.find(
    object => object.kind === kind && metadataOf(object).name === name && isReachable(object, namespace),
  )
  fitRule(random, request, pickRecord(random, role?.rules))
}

function fitSubject(random: Random, request: Mutable, subject: Json): void {
  const name = String(subject.name ?? '')
  if (subject.kind === 'Group') request.groups = [...request.groups, name]
  else if (subject.kind === 'ServiceAccount') {
    const namespace = subject.namespace ?? (request.namespace || random.pick(['dev', 'prod']))
    request.user = `system:serviceaccount:${namespace}:${name}`
  } else request.user = name
}

function fitRule(random: Random, request: Mutable, rule: Json): void {
  const one = (field: string): string | undefined => {
    const found = rule[field]
    return Array.isArray(found) && found.length > 0 ? String(random.pick<unknown>(found)) : undefined
  }
  const concrete = (text: string, others: readonly string[]) => (text === '*' ? random.pick(others) : text)
  request.verb = concrete(one('verbs') ?? request.verb, verbs)
  const url = one('nonResourceURLs')
  if (url !== undefined && random.chance(0.9)) {
    request.path = random.chance(0.5) ? url : random.pick(paths)
    return
  }
  request.group = concrete(one('apiGroups') ?? request.group, groups)
  request.name = one('resourceNames') ?? request.name
  const [resource = '', subresource = ''] = (one('resources') ?? request.resource).split('/', 2)
  request.resource = concrete(resource, resources)
  if (resource !== '*' || subresource !== '') request.subresource = subresource
}

function pickRecord(random: Random, list: unknown): Json {
  const records = Array.isArray(list) ? list.filter(isRecord) : []
  return records.length === 0 ? {} : random.pick(records)
}
