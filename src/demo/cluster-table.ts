import * as z from 'zod'
import type { ClusterObject } from './cluster-object.js'
import type { ResourceType } from './cluster-resources.js'

const Containers = z.object({ containers: z.array(z.unknown()) })
const Phase = z.object({ phase: z.string() })
const Replicas = z.object({ replicas: z.number() })

interface Column {
  readonly name: string
  readonly type: 'string' | 'integer'
  cell(object: ClusterObject): string | number
}

const NAME: Column = { name: 'Name', type: 'string', cell: ({ metadata }) => metadata.name }
const AGE: Column = { name: 'Age', type: 'string', cell: ({ metadata }) => age(metadata.creationTimestamp) }
const STATUS: Column = {
  name: 'Status',
  type: 'string',
  cell: ({ status }) => Phase.safeParse(status).data?.phase ?? '',
}

const COLUMNS: ReadonlyMap<string, readonly Column[]> = new Map([
  ['namespaces', [NAME, STATUS, AGE]],
  ['pods', [NAME, ready(containerCount), STATUS, { name: 'Restarts', type: 'integer', cell: () => 0 }, AGE]],
  ['deployments', [NAME, ready(replicaCount), AGE]],
])

/** The list as a meta.k8s.io/v1 Table, which is what `kubectl get` and kubernetes-mcp-server ask for. */
export function tableOf(type: ResourceType, objects: readonly ClusterObject[], resourceVersion: string): object {
  const columns = COLUMNS.get(type.plural) ?? [NAME, AGE]
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: columns.map(column => ({
      name: column.name,
      type: column.type,
      format: column === NAME ? 'name' : '',
      description: '',
      priority: 0,
    })),
    rows: objects.map(object => ({
      cells: columns.map(column => column.cell(object)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  }
}

function ready(count: (object: ClusterObject) => number): Column {
  return { name: 'Ready', type: 'string', cell: object => `${count(object)}/${count(object)}` }
}

function containerCount({ spec }: ClusterObject): number {
  return Containers.safeParse(spec).data?.containers.length ?? 0
}

function replicaCount({ status }: ClusterObject): number {
  return Replicas.safeParse(status).data?.replicas ?? 0
}

function age(since: string | undefined): string {
  const seconds = since === undefined ? 0 : Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1_000))
  return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`
}
