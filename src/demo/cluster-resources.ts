/** One kind of object that the simulated cluster keeps. */
export interface ResourceType {
  /** "" for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly subresources: readonly string[]
}

const core = (plural: string, kind: string, shortNames: string[] = [], subresources: string[] = []): ResourceType => ({
  ...{ group: '', version: 'v1', plural, kind, shortNames, subresources },
  namespaced: plural !== 'namespaces' && plural !== 'nodes',
})
const apps = (plural: string, kind: string, shortNames: string[], subresources: string[] = []): ResourceType => ({
  ...{ group: 'apps', version: 'v1', plural, kind, shortNames, subresources },
  namespaced: true,
})

export const RESOURCE_TYPES: readonly ResourceType[] = [
  core('namespaces', 'Namespace', ['ns']),
  core('nodes', 'Node', ['no']),
  core('pods', 'Pod', ['po'], ['log']),
  core('services', 'Service', ['svc']),
  core('configmaps', 'ConfigMap', ['cm']),
  core('secrets', 'Secret'),
  core('serviceaccounts', 'ServiceAccount', ['sa']),
  core('persistentvolumeclaims', 'PersistentVolumeClaim', ['pvc']),
  core('events', 'Event', ['ev']),
  apps('deployments', 'Deployment', ['deploy'], ['scale']),
  apps('statefulsets', 'StatefulSet', ['sts']),
  apps('daemonsets', 'DaemonSet', ['ds']),
]

export function findResourceType(group: string, version: string, plural: string): ResourceType | undefined {
  return RESOURCE_TYPES.find(type => type.group === group && type.version === version && type.plural === plural)
}

export function apiVersionOf({ group, version }: ResourceType): string {
  return group === '' ? version : `${group}/${version}`
}

/** What the discovery endpoints answer, by path; undefined for other paths. */
export function discoveryDocument(path: string): object | undefined {
  switch (path) {
    case '/version':
      return { major: '1', minor: '36', gitVersion: 'v1.36.0-simulated', platform: 'simulated' }
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
    case '/apis':
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: GROUPS.map(apiGroup),
      }
    case '/api/v1':
      return resourceList('', 'v1')
    default: {
      const [, root, name, version, ...rest] = path.split('/')
      const known = GROUPS.find(group => group.name === name)
      if (root !== 'apis' || known === undefined || rest.length > 0) return undefined
      if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(known) }
      return version === known.version ? resourceList(known.name, version) : undefined
    }
  }
}

const GROUPS = [
  { name: 'apps', version: 'v1' },
  { name: 'authorization.k8s.io', version: 'v1' },
]

function apiGroup({ name, version }: { name: string; version: string }): object {
  const only = { groupVersion: `${name}/${version}`, version }
  return { name, versions: [only], preferredVersion: only }
}

function resourceList(group: string, version: string): object {
  const resources: object[] = []
  for (const type of RESOURCE_TYPES) {
    if (type.group !== group || type.version !== version) continue
    const { plural, kind, namespaced, shortNames } = type
    const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update']
    resources.push({ name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs, shortNames })
    for (const subresource of type.subresources) {
      const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] }
      const how = subresource === 'scale' ? scale : { kind, verbs: ['get'] }
      resources.push({ name: `${plural}/${subresource}`, singularName: '', namespaced, ...how })
    }
  }
  if (group === 'authorization.k8s.io') {
    const access = { name: 'selfsubjectaccessreviews', singularName: 'selfsubjectaccessreview', namespaced: false }
    resources.push({ ...access, kind: 'SelfSubjectAccessReview', verbs: ['create'] })
  }
  const groupVersion = group === '' ? version : `${group}/${version}`
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources }
}
