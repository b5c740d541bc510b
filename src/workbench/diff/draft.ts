import type { Path, Plain } from './expression-hints.js'

/** What JSON can say, as plain values; integers are numbers. */
export type PlainJson = Plain | readonly PlainJson[] | { readonly [key: string]: PlainJson }

export interface AgentDraft {
  readonly issuer: string
  readonly id: string
  readonly assurance: 'attested' | 'claimed'
}

/** A manifest that an argument holds. */
export interface ManifestDraft {
  apiVersion: string
  kind: string
  namespace: string | undefined
  name: string
  readonly more: { readonly path: Path; readonly value: Plain }[]
}

/** One call and who makes it, while it is put together. */
export interface Draft {
  user: string
  readonly groups: Set<string>
  agent: AgentDraft | undefined
  scopes: readonly string[]
  tenant: string | undefined
  workload: string
  kind: 'user' | 'machine' | 'anonymous'
  claims: PlainJson
  args: PlainJson
  readonly manifests: Map<string, ManifestDraft>
  readonly headers: Map<string, string>
  address: string
  /** Milliseconds since the epoch. */
  now: number
}

/** A Wednesday, at 10 o'clock in the morning in UTC. */
export const plainTime = Date.UTC(2026, 6, 15, 10)

export function newDraft(): Draft {
  return {
    user: 'someone',
    groups: new Set(),
    agent: undefined,
    scopes: [],
    tenant: undefined,
    workload: '',
    kind: 'user',
    claims: {},
    args: {},
    manifests: new Map(),
    headers: new Map(),
    address: '',
    now: plainTime,
  }
}

/** The same with a value at a path, where `*` is the first element of a list. What is in the way is replaced. */
export function withValue(root: PlainJson, path: Path, value: PlainJson): PlainJson {
  const [segment, ...rest] = path
  if (segment === undefined) return value
  if (segment === '*') {
    const list = isList(root) ? root : []
    return [withValue(list[0] ?? null, rest, value), ...list.slice(1)]
  }
  const object = isObject(root) ? root : {}
  const entries = Object.entries(object).filter(([key]) => key !== segment)
  const inner = Object.hasOwn(object, segment) ? object[segment] : undefined
  return Object.fromEntries([...entries, [segment, withValue(inner ?? null, rest, value)]])
}

function isList(value: PlainJson): value is readonly PlainJson[] {
  return Array.isArray(value)
}

function isObject(value: PlainJson): value is { readonly [key: string]: PlainJson } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Something of that size: a text, or a list of texts. */
export function ofSize(kind: 'text' | 'list', size: number): PlainJson {
  const bounded = Math.max(0, Math.min(size, 20_000))
  return kind === 'text' ? 'x'.repeat(bounded) : Array.from({ length: Math.min(bounded, 1000) }, (_, i) => `x${i}`)
}

/** The manifest as text: JSON is YAML too. */
export function manifestText({ apiVersion, kind, namespace, name, more }: ManifestDraft): string {
  let manifest: PlainJson = { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) } }
  for (const { path, value } of more) manifest = withValue(manifest, path, value)
  return JSON.stringify(manifest)
}

/** Where a kind has the containers of its pods. */
export function imagePath(kind: string): Path {
  const pod = ['spec', 'containers', '*', 'image']
  switch (kind) {
    case 'Pod':
      return pod
    case 'CronJob':
      return ['spec', 'jobTemplate', 'spec', 'template', ...pod]
    default:
      return ['spec', 'template', ...pod]
  }
}
