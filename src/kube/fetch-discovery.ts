import type { ApiServer } from './api-server.js'
import { failureText } from './list-collection.js'
import {
  type DiscoveredResource,
  type ResourcesByVersion,
  readAggregatedDiscovery,
  readGroupVersions,
  readResourceList,
} from './read-discovery.js'

export type FetchedDiscovery =
  | { readonly ok: true; readonly resources: ResourcesByVersion }
  | { readonly ok: false; readonly message: string; readonly retryAfterMs: number | undefined }

/** apidiscovery.k8s.io/v2 is there since Kubernetes 1.30; servers without it answer in the old form. */
const accept = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',')
const answerBytes = 16 * 1024 * 1024
const atOnce = 4
const mostVersions = 1_000

/** Asks an API server for all resources that it serves: two requests, or in the old form one for each group and version. */
export async function fetchDiscovery(api: ApiServer, timeoutMs: number): Promise<FetchedDiscovery> {
  const resources = new Map<string, readonly DiscoveredResource[] | undefined>()
  for (const root of ['/api', '/apis'] as const) {
    const answer = await api.request({ method: 'GET', path: root, accept, timeoutMs, maxBytes: answerBytes })
    if (!answer.ok) {
      return { ok: false, message: `GET ${root}: ${failureText(answer)}`, retryAfterMs: answer.retryAfterMs }
    }
    const found =
      readAggregatedDiscovery(answer.body) ?? (await fetchEach(api, readGroupVersions(answer.body), timeoutMs))
    if (found === undefined)
      return { ok: false, message: `GET ${root}: the answer is no discovery document`, retryAfterMs: undefined }
    for (const [version, served] of found) resources.set(version, served)
  }
  return { ok: true, resources }
}

/** One version that cannot be asked (an aggregated API server that is down) is not known now, which is no failure of all. */
async function fetchEach(
  api: ApiServer,
  versions: readonly string[] | undefined,
  timeoutMs: number,
): Promise<ResourcesByVersion | undefined> {
  if (versions === undefined || versions.length > mostVersions) return undefined
  const found = new Map<string, readonly DiscoveredResource[] | undefined>()
  const waiting = versions.filter(version => groupVersionPattern.test(version))
  const work = async () => {
    for (let version = waiting.pop(); version !== undefined; version = waiting.pop()) {
      const path = version.includes('/') ? `/apis/${version}` : `/api/${version}`
      const answer = await api.request({ method: 'GET', path, timeoutMs, maxBytes: answerBytes })
      found.set(version, answer.ok ? readResourceList(answer.body, version) : undefined)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return found
}

const groupVersionPattern = /^(?:[a-z0-9][-a-z0-9.]{0,252}\/)?v[a-z0-9]{1,62}$/
