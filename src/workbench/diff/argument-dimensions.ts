import { valueAt } from '../../documents/value-at.js'
import type { ToolSpec } from '../../rbac/catalog-schema.js'
import type { KnownKind } from '../../rbac/kinds.js'
import { type Choice, choice, type Dimension, dimension, nothing } from './dimension.js'
import { type Draft, imagePath, ofSize, type PlainJson, withValue } from './draft.js'
import type { Hints, Path, Plain } from './expression-hints.js'
import { kindsOfResource, type Vocabulary } from './vocabulary.js'
import { unique } from './who-dimensions.js'

/** What a tool's arguments are to its catalogue. */
interface Roles {
  readonly namespaces: ReadonlySet<string>
  readonly names: ReadonlySet<string>
  readonly manifests: ReadonlySet<string>
  readonly images: ReadonlySet<string>
  readonly replicas: ReadonlySet<string>
  readonly gvks: ReadonlyMap<string, { readonly apiVersion: string; readonly kind: string }>
  readonly required: ReadonlySet<string>
  readonly all: ReadonlySet<string>
  readonly literals: ReadonlyMap<string, readonly Plain[]>
}

export interface ArgumentContext {
  /** Of both catalogues, as far as they have the tool. */
  readonly specs: readonly ToolSpec[]
  readonly hints: Hints
  readonly vocabulary: Vocabulary
  /** Names that a caller may give for a cluster. */
  readonly contexts: readonly string[]
  readonly defaultNamespace: string | undefined
}

const unmentioned = 'x-other'
const mostArguments = 40
const longest = 20_000

/**
 * The arguments of a tool, and for each the values on which something may turn: those that expressions, roles and the
 * catalogue name, their neighbours, one that nobody names, one of another type, and none.
 */
export function argumentDimensions(context: ArgumentContext): readonly Dimension[] {
  const { specs, hints } = context
  const roles = rolesOf(specs)
  const fromHints = hints.paths
    .filter(([root, ...rest]) => root === 'args' && rest.length > 0)
    .map(path => path.slice(1))
  const listed = specs.flatMap(({ arguments: names }) => (Array.isArray(names) ? names : []))
  const closed = specs.length > 0 && specs.every(({ arguments: names }) => names !== undefined)
  const published = new Set(specs.flatMap(spec => Object.keys(objectAt(spec.inputSchema, ['properties']))))
  const names = unique([...roles.all, ...listed, ...published, ...fromHints.flatMap(([name]) => name ?? [])]).filter(
    name => name !== '*' && name !== '#size' && (!closed || roles.all.has(name) || listed.includes(name)),
  )
  const dimensions: Dimension[] = []
  const paired = new Set<string>()
  for (const { apiVersion, kind } of roles.gvks.values()) {
    paired.add(apiVersion)
    paired.add(kind)
    dimensions.push(
      dimension(`${apiVersion} and ${kind}`, gvkChoices(apiVersion, kind, kindsFor(context)), {
        opens: true,
        read: ['operations.*.resource', 'operations.*.group', `args.${kind}`, `args.${apiVersion}`],
      }),
    )
  }
  for (const name of roles.manifests) dimensions.push(...manifestDimensions(name, context))
  for (const name of names.slice(0, mostArguments)) {
    if (paired.has(name) || roles.manifests.has(name)) continue
    dimensions.push(flatDimension(name, roles, context))
    for (const path of fromHints)
      if (path[0] === name && path.length > 1) dimensions.push(deepDimension(path, hints.at('args', ...path)))
  }
  return dimensions
}

function rolesOf(specs: readonly ToolSpec[]): Roles {
  const roles = {
    namespaces: new Set<string>(),
    names: new Set<string>(),
    manifests: new Set<string>(),
    images: new Set<string>(),
    replicas: new Set<string>(),
    gvks: new Map<string, { readonly apiVersion: string; readonly kind: string }>(),
    required: new Set<string>(),
    all: new Set<string>(),
    literals: new Map<string, Plain[]>(),
  }
  const literal = (name: string, ...values: Plain[]) =>
    roles.literals.set(name, [...(roles.literals.get(name) ?? []), ...values])
  for (const { cluster, images, replicas, operations, inputSchema } of specs) {
    if (cluster !== undefined) roles.all.add(cluster.argument)
    for (const { argument } of Array.isArray(images) ? images : []) {
      roles.images.add(argument)
      roles.required.add(argument)
    }
    if (typeof replicas === 'object') roles.replicas.add(replicas.argument)
    for (const { gvk, manifest, namespace, name, when } of Array.isArray(operations) ? operations : []) {
      if (gvk !== undefined) roles.gvks.set(`${gvk.apiVersion} ${gvk.kind}`, gvk)
      if (manifest !== undefined) roles.manifests.add(manifest.argument)
      if (typeof namespace === 'object') {
        roles.namespaces.add(namespace.argument)
        if (namespace.required === true) roles.required.add(namespace.argument)
      }
      if (name !== undefined) {
        roles.names.add(name.argument)
        if (name.required && when === undefined) roles.required.add(name.argument)
      }
      for (const condition of when === undefined ? [] : [when].flat()) {
        roles.all.add(condition.argument)
        const { equals, notEquals, greaterThan } = condition
        for (const value of [equals, notEquals]) if (value !== undefined) literal(condition.argument, value)
        if (typeof equals === 'boolean' || typeof notEquals === 'boolean') literal(condition.argument, true, false)
        if (greaterThan !== undefined) literal(condition.argument, greaterThan + 1, greaterThan)
      }
    }
    const names = valueAt(inputSchema, ['required'])
    for (const name of Array.isArray(names) ? names : []) if (typeof name === 'string') roles.required.add(name)
  }
  for (const set of [roles.namespaces, roles.names, roles.manifests, roles.images, roles.replicas])
    for (const name of set) roles.all.add(name)
  for (const { apiVersion, kind } of roles.gvks.values()) roles.all.add(apiVersion).add(kind)
  return roles
}

function flatDimension(name: string, roles: Roles, context: ArgumentContext): Dimension {
  const { hints, specs } = context
  const schema = specs.flatMap(({ inputSchema }) => valueAt(inputSchema, ['properties', name]) ?? [])[0]
  const values = new Set<PlainJson>()
  const put = (...more: readonly PlainJson[]) => {
    for (const value of more) values.add(value)
  }
  const role = roleValues(name, roles, context)
  // A call that is complete comes further than one that is not.
  put(...role.slice(0, 1))
  put(...hints.at('args', name), ...role, ...(roles.literals.get(name) ?? []), ...schemaValues(schema))
  const sizes = hints.at('args', name, '#size').filter(value => typeof value === 'number')
  const begun = textsOf(hints.at('args', name)).slice(0, 2)
  for (const size of sizes) {
    // What must begin in some way and be so long, at once.
    put(...begun.flatMap(text => (text.length < size && size < longest ? [text.padEnd(size, 'x')] : [])))
    put(ofSize('text', size), ofSize('list', size))
  }
  if (values.size === 0) put('example')
  put(...otherTypes([...values]))
  const given = [...values].map(value => setArgument([name], value))
  const choices = roles.required.has(name) ? [...given, nothing] : [nothing, ...given]
  const sized = `args.${name}.#size`
  const read = [`args.${name}`, ...(sizes.length > 0 ? [sized] : []), ...readAs(name, roles)]
  return dimension(name, choices, { opens: roles.namespaces.has(name), read })
}

/** What expressions call an argument that the catalogue knows. */
function readAs(name: string, { namespaces, names, images, replicas }: Roles): readonly string[] {
  if (namespaces.has(name)) return ['operations.*.namespace']
  if (names.has(name)) return ['operations.*.name']
  if (images.has(name)) return ['images', 'images.*']
  return replicas.has(name) ? ['replicas', 'replicas.*'] : []
}

function roleValues(
  name: string,
  roles: Roles,
  { hints, vocabulary, contexts, defaultNamespace, specs }: ArgumentContext,
): readonly Plain[] {
  if (roles.namespaces.has(name)) return namespacesFor({ hints, vocabulary, defaultNamespace })
  if (roles.names.has(name)) return ['example', ...textsOf(hints.at('operations', '*', 'name')), ...vocabulary.objects]
  if (roles.images.has(name))
    return [...textsOf(hints.at('images', '*')), ...textsOf(hints.at('images')), 'docker.io/x-other:1']
  if (roles.replicas.has(name))
    return [...numbersOf(hints.at('replicas', '*')), ...numbersOf(hints.at('replicas')), 1, 0]
  if (specs.some(({ cluster }) => cluster?.argument === name)) return [...contexts, unmentioned]
  return []
}

function namespacesFor({
  hints,
  vocabulary,
  defaultNamespace,
}: Pick<ArgumentContext, 'hints' | 'vocabulary' | 'defaultNamespace'>): readonly string[] {
  const fromHints = textsOf(hints.at('operations', '*', 'namespace'))
  const own = defaultNamespace === undefined ? [] : [defaultNamespace]
  return unique([...vocabulary.namespaces, ...fromHints, ...own, unmentioned])
}

function kindsFor({ hints, vocabulary }: ArgumentContext): readonly KnownKind[] {
  const asked = textsOf(hints.at('operations', '*', 'resource')).flatMap(kindsOfResource)
  const scalable = kindsOfResource('deployments')
  const all = [
    ...scalable,
    ...asked,
    ...vocabulary.kinds,
    ...kindsOfResource('secrets'),
    ...kindsOfResource('namespaces'),
  ]
  return [...new Map(all.map(kind => [`${kind.apiVersion} ${kind.kind}`, kind])).values()]
}

function gvkChoices(apiVersion: string, kind: string, kinds: readonly KnownKind[]): readonly Choice[] {
  return [...kinds, { apiVersion: 'example.com/v1', kind: 'Unknown' }].map(known =>
    choice('', 'resource' in known ? known.resource : undefined, draft => {
      draft.args = withValue(withValue(draft.args, [apiVersion], known.apiVersion), [kind], known.kind)
    }),
  )
}

/** An argument that holds a whole object: each part of it that somebody looks at is a way to differ. */
function manifestDimensions(argument: string, context: ArgumentContext): readonly Dimension[] {
  const { hints } = context
  const part = (name: string, choices: readonly Choice[], ...read: readonly string[]) =>
    dimension(`${argument}: ${name}`, choices, { opens: name === 'kind' || name === 'namespace', read })
  const put = (path: (kind: string) => Path, value: Plain) =>
    choice('', value, draft => {
      const manifest = draft.manifests.get(argument)
      manifest?.more.push({ path: path(manifest.kind), value })
    })
  const kinds = kindsFor(context).map(({ apiVersion, kind, namespaced, resource }) =>
    choice('', resource, draft => {
      const namespace = namespaced ? namespacesFor(context)[0] : undefined
      draft.manifests.set(argument, { apiVersion, kind, namespace, name: 'example', more: [] })
    }),
  )
  const inNamespace = (namespace: string | undefined) =>
    choice('', namespace, draft => {
      const manifest = draft.manifests.get(argument)
      if (manifest !== undefined) manifest.namespace = namespace
    })
  const replicas = [...numbersOf(hints.at('replicas', '*')), ...numbersOf(hints.at('replicas')), 1]
  const images = [...textsOf(hints.at('images', '*')), ...textsOf(hints.at('images')), 'docker.io/x-other:1']
  const elsewhere = [...namespacesFor(context).slice(1).map(inNamespace), inNamespace(undefined)]
  const countable = replicas.map(value => put(() => ['spec', 'replicas'], value))
  const dimensions = [
    part('kind', [...kinds, setArgument([argument], 'no: [manifest')], 'operations.*.resource', 'operations.*.group'),
    part('namespace', [nothing, ...elsewhere], 'operations.*.namespace'),
    part('replicas', [nothing, ...countable], 'replicas', 'replicas.*'),
    part('image', [nothing, ...images.map(value => put(imagePath, value))], 'images', 'images.*'),
  ]
  for (const path of hints.paths) {
    const [root, , object, ...inside] = path
    if (root !== 'operations' || object !== 'object' || inside.length === 0) continue
    const values = new Set<Plain>([...hints.at(...path), unmentioned])
    const choices = [...values].map(value => put(() => inside, value))
    dimensions.push(part(inside.join('.'), [nothing, ...choices], path.join('.')))
  }
  return dimensions
}

function deepDimension(path: Path, values: readonly Plain[]): Dimension {
  const size = path.at(-1) === '#size'
  const at = size ? path.slice(0, -1) : path
  const given = size
    ? values.flatMap(value => (typeof value === 'number' ? [ofSize('text', value), ofSize('list', value)] : []))
    : [...new Set<Plain>([...values, unmentioned])]
  const read = [['args', ...path].join('.')]
  return dimension(at.join('.'), [nothing, ...given.map(value => setArgument(at, value))], { read })
}

function setArgument(path: Path, value: PlainJson): Choice {
  return choice('', value, (draft: Draft) => {
    draft.args = withValue(draft.args, path, value)
  })
}

/** Something of another type than all that is known, and a text that nobody names. */
function otherTypes(values: readonly PlainJson[]): readonly PlainJson[] {
  const more: PlainJson[] = []
  if (values.some(value => typeof value === 'string')) more.push(unmentioned)
  if (values.every(value => typeof value !== 'number')) more.push(7)
  if (values.every(value => typeof value !== 'string')) more.push('seven')
  return [...more, '']
}

function schemaValues(schema: unknown): readonly Plain[] {
  const values: Plain[] = []
  const listed = valueAt(schema, ['enum'])
  for (const value of Array.isArray(listed) ? listed : [valueAt(schema, ['const'])])
    if (isPlain(value)) values.push(value)
  for (const bound of ['minimum', 'maximum'].map(key => valueAt(schema, [key])))
    if (typeof bound === 'number') values.push(bound)
  switch (valueAt(schema, ['type'])) {
    case 'string':
      return [...values, 'example']
    case 'integer':
    case 'number':
      return [...values, 1]
    case 'boolean':
      return [true, false]
    default:
      return values
  }
}

function isPlain(value: unknown): value is Plain {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

function objectAt(value: unknown, path: readonly string[]): object {
  const found = valueAt(value, path)
  return typeof found === 'object' && found !== null ? found : {}
}

function textsOf(values: readonly Plain[]): readonly string[] {
  return values.filter(value => typeof value === 'string')
}

function numbersOf(values: readonly Plain[]): readonly number[] {
  return values.filter(value => typeof value === 'number')
}
