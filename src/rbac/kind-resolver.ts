import { addedByOperator, type KindLookup, type Kinds, type KnownKind, parseApiVersion } from './kinds.js'

/** A resource as the cluster serves it. */
export interface ServedResource {
  /** Plural, as in RBAC. */
  readonly resource: string
  readonly namespaced: boolean
  readonly subresources: readonly string[]
}

/** Knows the kinds of one cluster (src/kube/discovery.ts is one). Answers at once, and learns meanwhile what it does not know. */
export interface KindResolver {
  resolve(
    apiVersion: string,
    kind: string,
  ):
    | { readonly type: 'found'; readonly resource: ServedResource }
    | { readonly type: 'unknown' | 'ambiguous' | 'unavailable' }
}

/**
 * The kinds of a catalogue as one cluster has them. Where the cluster serves a kind, its plural and scope are those of the
 * cluster, also against the catalogue and the built-in table: the server behind us turns a kind into a request by the same
 * discovery, and what we ask RBAC must be what it will do. What objects hold (pods, replicas, what escalates) goes by
 * group and kind, which the cluster does not change.
 *
 * A kind that the table has and the cluster does not serve, or cannot tell of now, is judged as the table has it: the worst
 * that can come of it is a call that the API server refuses. One that neither knows denies, as does one that two resources
 * share, because servers pick one of them by chance.
 */
export function kindsOfCluster(kinds: Kinds, cluster: KindResolver | undefined): Kinds {
  if (cluster === undefined) return kinds
  return {
    all: kinds.all,
    find(apiVersion, kind) {
      const served = cluster.resolve(apiVersion, kind)
      if (served.type === 'ambiguous') return ambiguous
      const listed = kinds.find(apiVersion, kind)
      if (served.type !== 'found') return listed.ok ? listed : withHint(listed)
      const known = listed.ok ? listed.kind : customKind(apiVersion, kind)
      if (known === undefined) return listed
      const { resource, namespaced, subresources } = served.resource
      return { ok: true, kind: { ...known, resource, namespaced, scale: subresources.includes('scale') } }
    },
    ofResource: kinds.ofResource,
  }
}

function customKind(apiVersion: string, kind: string): Omit<KnownKind, keyof ServedResource | 'scale'> | undefined {
  const parsed = parseApiVersion(apiVersion)
  return parsed && { apiVersion, kind, ...parsed, custom: true }
}

const ambiguous: KindLookup = {
  ok: false,
  message: 'the cluster has two resources of this apiVersion and kind, so it is not clear which one is meant',
  hint: 'use another apiVersion of it',
}

/** Where the table has nothing better to say, nobody needs to add anything to a catalogue. */
function withHint(unknown: Extract<KindLookup, { ok: false }>): KindLookup {
  if (unknown.hint !== addedByOperator) return unknown
  return { ...unknown, hint: 'the cluster does not serve it; if it was installed just now, try again in ten seconds' }
}
