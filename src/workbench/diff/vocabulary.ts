import type { SourceDocument } from '../../documents/source-document.js'
import { valueAt } from '../../documents/value-at.js'
import { expressionsOf } from '../../policy/expression-places.js'
import { type CatalogSpec, catalogSchema } from '../../rbac/catalog-schema.js'
import { createKinds, type KnownKind } from '../../rbac/kinds.js'
import { expressionHints, type Hints } from './expression-hints.js'

export interface NamedAgent {
  readonly issuer: string
  readonly id: string
}

/** Every name that some policies mention, in the order of the documents. */
export interface Vocabulary {
  readonly users: readonly string[]
  readonly groups: readonly string[]
  readonly agents: readonly NamedAgent[]
  readonly workloads: readonly string[]
  readonly scopes: readonly string[]
  readonly tools: readonly string[]
  readonly prompts: readonly string[]
  readonly resources: readonly string[]
  readonly methods: readonly string[]
  readonly namespaces: readonly string[]
  /** Names of objects in the cluster. */
  readonly objects: readonly string[]
  readonly kinds: readonly KnownKind[]
  readonly catalogs: ReadonlyMap<string, readonly CatalogSpec[]>
  /** Whom RBAC gives something, as choices are labelled. */
  readonly bound: ReadonlySet<string>
  /** By `Kind/name`, each version of a rule. */
  readonly rules: ReadonlyMap<string, readonly RuleWords[]>
}

/** Whom a rule names, and what its expressions look at. */
export interface RuleWords {
  readonly kind: string
  /** As choices are labelled. */
  readonly subjects: readonly string[]
  readonly agents: readonly string[]
  readonly scoped: boolean
  readonly hints: Hints
}

/** @param documents what matters most comes first: of long lists only the beginning is tried */
export function vocabularyOf(documents: readonly SourceDocument[]): Vocabulary {
  const reader = new VocabularyReader()
  for (const document of documents) reader.read(document)
  return reader.vocabulary()
}

const knownKinds = createKinds()
const mostKinds = 16

class VocabularyReader {
  readonly #lists = {
    users: new Set<string>(),
    groups: new Set<string>(),
    workloads: new Set<string>(),
    scopes: new Set<string>(),
    tools: new Set<string>(),
    prompts: new Set<string>(),
    resources: new Set<string>(),
    methods: new Set<string>(),
    namespaces: new Set<string>(),
    objects: new Set<string>(),
  }
  readonly #agents = new Map<string, NamedAgent>()
  readonly #kinds = new Map<string, KnownKind>()
  readonly #catalogs = new Map<string, CatalogSpec[]>()
  readonly #bound = new Set<string>()
  readonly #rules = new Map<string, RuleWords[]>()

  read(document: SourceDocument): void {
    const { kind, value } = document
    switch (kind) {
      case 'Grant':
      case 'Guardrail':
      case 'Enrichment':
        this.#readRule(document)
        return
      case 'ToolCatalog': {
        const parsed = catalogSchema.safeParse(value)
        if (parsed.success) append(this.#catalogs, document.name, parsed.data.spec)
        return
      }
      case 'Server':
        for (const [path, list] of [
          [['spec', 'methods'], this.#lists.methods],
          [['spec', 'kubernetes', 'defaultNamespace'], this.#lists.namespaces],
        ] as const)
          for (const name of textsAt(value, path)) list.add(name)
        return
      case 'List': {
        const items = valueAt(value, ['items'])
        for (const item of Array.isArray(items) ? items : []) this.#readRbac(item)
        return
      }
      default:
        this.#readRbac(value)
    }
  }

  vocabulary(): Vocabulary {
    const lists = this.#lists
    const of = (names: ReadonlySet<string>) => [...names]
    return {
      ...{ users: of(lists.users), groups: of(lists.groups), workloads: of(lists.workloads), scopes: of(lists.scopes) },
      ...{ tools: of(lists.tools), prompts: of(lists.prompts), resources: of(lists.resources) },
      ...{ methods: of(lists.methods), namespaces: of(lists.namespaces), objects: of(lists.objects) },
      agents: [...this.#agents.values()],
      kinds: [...this.#kinds.values()].slice(0, mostKinds),
      catalogs: this.#catalogs,
      ...{ bound: this.#bound, rules: this.#rules },
    }
  }

  #readRule(document: SourceDocument): void {
    const { value, kind, name } = document
    const match = (field: string) => valueAt(value, ['spec', 'match', field])
    const lists = this.#lists
    for (const field of ['tools', 'prompts', 'resources'] as const)
      for (const pattern of textsAt(value, ['spec', 'match', field])) lists[field].add(named(pattern))
    for (const pattern of textsAt(value, ['spec', 'match', 'methods']))
      if (!pattern.includes('*')) lists.methods.add(pattern)
    for (const scope of textsAt(value, ['spec', 'scopes'])) lists.scopes.add(scope)
    const subjects = listOf(match('subjects')).flatMap(subject => this.#readSubject(subject) ?? [])
    const agents: string[] = []
    for (const agent of listOf(match('agents'))) {
      const text = valueAt(agent, ['name'])
      if (typeof text !== 'string') continue
      if (valueAt(agent, ['kind']) !== 'Workload') agents.push(`agent ${this.#addAgent(named(text))}`)
      else {
        lists.workloads.add(named(text))
        agents.push(`workload ${named(text)}`)
      }
    }
    const scoped = textsAt(value, ['spec', 'scopes']).length > 0
    append(this.#rules, `${kind}/${name}`, { kind, subjects, agents, scoped, hints: hintsOf(document) })
  }

  #addAgent(text: string): string {
    const colon = text.indexOf(':')
    const agent = colon < 0 ? { issuer: 'x', id: 'x' } : { issuer: text.slice(0, colon), id: text.slice(colon + 1) }
    const shown = `${agent.issuer}:${agent.id}`
    this.#agents.set(shown, agent)
    return shown
  }

  /** How a choice of it is labelled; undefined: it is nobody in particular. */
  #readSubject(subject: unknown): string | undefined {
    const [kind, name, namespace] = ['kind', 'name', 'namespace'].map(field => valueAt(subject, [field]))
    if (typeof name !== 'string') return undefined
    if (kind === 'Group') {
      this.#lists.groups.add(named(name))
      return name.startsWith('system:') ? undefined : `Group ${named(name)}`
    }
    const isAccount = kind === 'ServiceAccount' && typeof namespace === 'string'
    if (!isAccount && kind !== 'User') return undefined
    // How RBAC names the software that acts.
    if (!isAccount && name.startsWith('agent:')) this.#bound.add(`agent ${this.#addAgent(name.slice('agent:'.length))}`)
    const user = isAccount ? `system:serviceaccount:${named(namespace)}:${named(name)}` : named(name)
    this.#lists.users.add(user)
    return `User ${user}`
  }

  #readRbac(value: unknown): void {
    const kind = valueAt(value, ['kind'])
    const namespace = valueAt(value, ['metadata', 'namespace'])
    if (kind === 'RoleBinding' || kind === 'Role')
      if (typeof namespace === 'string') this.#lists.namespaces.add(namespace)
    if (kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
      for (const subject of listOf(valueAt(value, ['subjects']))) {
        const label = this.#readSubject(subject)
        if (label !== undefined) this.#bound.add(label)
      }
    if (kind !== 'Role' && kind !== 'ClusterRole') return
    for (const rule of listOf(valueAt(value, ['rules']))) {
      for (const name of textsAt(rule, ['resourceNames'])) this.#lists.objects.add(name)
      const groups = textsAt(rule, ['apiGroups'])
      for (const resource of textsAt(rule, ['resources'])) {
        const plural = resource.split('/')[0] ?? ''
        for (const group of groups) {
          const known = knownKinds.ofResource(group === '*' ? '' : group, plural)
          if (known !== undefined) this.#kinds.set(`${known.apiVersion} ${known.kind}`, known)
        }
      }
    }
  }
}

/** All expressions of a document, with what its variables stand for. */
function hintsOf(document: SourceDocument): Hints {
  const variables = new Map<string, string>()
  for (const variable of listOf(valueAt(document.value, ['spec', 'variables']))) {
    const [name, expression] = [valueAt(variable, ['name']), valueAt(variable, ['expression'])]
    if (typeof name === 'string' && typeof expression === 'string') variables.set(name, expression)
  }
  const sources = expressionsOf(document).flatMap(({ path, source }) => (path[1] === 'variables' ? [] : [source]))
  return expressionHints(sources, variables)
}

/** Something that a pattern matches. */
export function named(pattern: string): string {
  return pattern.replaceAll('*', 'x')
}

/** The kinds of a plural resource, of any group. */
export function kindsOfResource(resource: string): readonly KnownKind[] {
  return knownKinds.all.filter(kind => kind.resource === resource)
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textsAt(value: unknown, path: readonly string[]): readonly string[] {
  const found = valueAt(value, path)
  return (Array.isArray(found) ? found : [found]).filter(one => typeof one === 'string')
}
