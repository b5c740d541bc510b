import { parseAllDocuments } from 'yaml'

/** A change of one thing in policies. */
export interface Mutation {
  readonly kind: string
  readonly what: string
  readonly text: string
}

type Tree = Record<string, unknown>

/** All changes of these kinds that can be made to some policies, each on its own. */
export function mutationsOf(text: string): readonly Mutation[] {
  const documents = read(text)
  const found: Mutation[] = []
  for (const [index, document] of documents.entries()) {
    const { kind, metadata, spec } = document as { kind: string; metadata?: Tree; spec?: Tree }
    const name = `${kind}/${String(metadata?.name)}`
    const replace = (mutated: Tree | undefined) =>
      documents.flatMap((one, at) => (at === index ? (mutated === undefined ? [] : [mutated]) : [one]))
    const add = (as: string, what: string, mutated: Tree | undefined) =>
      found.push({ kind: as, what: `${name}: ${what}`, text: write(replace(mutated)) })
    if (['Guardrail', 'Grant', 'RoleBinding', 'ClusterRoleBinding'].includes(kind)) add('removal', 'removed', undefined)
    if (kind === 'RoleBinding')
      add('namespace', 'elsewhere', { ...document, metadata: { ...metadata, namespace: 'elsewhere' } })
    if (kind === 'Guardrail')
      add('mode', 'mode', { ...document, spec: { ...spec, mode: spec?.mode === 'Audit' ? 'Enforce' : 'Audit' } })
    if (kind === 'Guardrail' || kind === 'Grant') {
      const { matchConditions, scopes, ...rest } = { matchConditions: undefined, scopes: undefined, ...spec }
      if (matchConditions !== undefined)
        add('condition', 'without conditions', {
          ...document,
          spec: { ...rest, ...(scopes !== undefined && { scopes }) },
        })
      if (scopes !== undefined)
        add('scope', 'without scopes', {
          ...document,
          spec: { ...rest, ...(matchConditions !== undefined && { matchConditions }) },
        })
    }
    for (const { path, value } of leaves(document)) {
      const set = (other: string) => replaced(document, path, other)
      const at = path.join('.')
      if (/\.(?:expression)$/.test(at))
        for (const { as, other } of changes(value)) add(as, `${value} -> ${other}`, set(other))
      if (/subjects\.\d+\.name$/.test(at)) add('subject', `${at} renamed`, set(`${value}-other`))
      if (/agents\.\d+\.name$/.test(at)) add('agent', `${at} renamed`, set(`${value}-other`))
      if (/match\.(?:tools|prompts)\.\d+$/.test(at))
        add('tool', `${value} renamed`, set(`${value.replace('*', '')}-other`))
      if (/match\.(?:resources)\.\d+$/.test(at))
        add('tool', `${value} renamed`, set(`${value.replace('*', '')}other/*`))
      if (/rules\.\d+\.resources\.\d+$/.test(at))
        add('role rule', `${value} left out`, set(`no-${value.replace('/', '-')}`))
    }
    const access = Object(Object(spec).match).access
    if (Array.isArray(access) && access.length > 1)
      for (const one of access)
        add('tool', `without access ${one}`, {
          ...document,
          spec: { ...spec, match: { ...Object(Object(spec).match), access: access.filter(other => other !== one) } },
        })
  }
  return found
}

/** Changes of an expression that change what it says. */
function* changes(expression: string): Generator<{ readonly as: string; readonly other: string }> {
  for (const { 0: number, index } of expression.matchAll(/(?<![\w'[{-])\d+(?![\w'\]}])/g))
    for (const by of [1, -1])
      yield {
        as: 'threshold',
        other: `${expression.slice(0, index)}${Number(number) + by}${expression.slice(index + number.length)}`,
      }
  for (const { 0: literal, 1: inner = '', index } of expression.matchAll(/'([^']+)'/g)) {
    if (inner.includes('Europe') || /[\^$]/.test(inner)) continue
    yield { as: 'text', other: `${expression.slice(0, index)}'${inner}x'${expression.slice(index + literal.length)}` }
  }
  for (const [from, to] of [
    [' <= ', ' < '],
    [' >= ', ' > '],
    [' < ', ' <= '],
    ['startsWith(', 'contains('],
    ['[0-9]{2}', '[0-9]{3}'],
  ] as const)
    if (expression.includes(from)) yield { as: 'operator', other: expression.replace(from, to) }
}

/** The same policies in other words, by what was done to them. */
export function rewritesOf(text: string): readonly Mutation[] {
  const documents = read(text)
  const rewrite = (what: string, of: (document: Tree) => readonly Tree[]): Mutation => ({
    kind: 'rewrite',
    what,
    text: write(documents.flatMap(of)),
  })
  const expressions = (what: string, change: (expression: string) => string) =>
    rewrite(what, document => [
      leaves(document).reduce(
        (tree, { path, value }) => (/\.expression$/.test(path.join('.')) ? replaced(tree, path, change(value)) : tree),
        document,
      ),
    ])
  return [
    {
      kind: 'rewrite',
      what: 'comments and blanks',
      text: `# said before\n${text.replaceAll('\nspec:', '\n# why\nspec:')}`,
    },
    { kind: 'rewrite', what: 'order of documents', text: write(documents.toReversed()) },
    rewrite('names', document =>
      /^(?:Guardrail|Grant|Enrichment|RoleBinding|ClusterRoleBinding)$/.test(String(document.kind))
        ? [
            {
              ...document,
              metadata: {
                ...Object(document.metadata),
                name: `z${String(Object(document.metadata).name)}`
                  .split('')
                  .reverse()
                  .join('')
                  .replaceAll(/^-|-$/g, ''),
              },
            },
          ]
        : [document],
    ),
    rewrite('order in lists', document => [reversed(document)]),
    rewrite('a rule for each resource', document =>
      /^(?:Cluster)?Role$/.test(String(document.kind))
        ? [
            {
              ...document,
              rules: Object(document).rules.flatMap((rule: Tree) =>
                Object(rule).resources.map((one: string) => ({ ...rule, resources: [one] })),
              ),
            },
          ]
        : [document],
    ),
    expressions('comparisons turned round', expression =>
      expression
        .replaceAll(/(?<![!\w.])([\w.()']+) <= ([\w.()']+)/g, '!($1 > $2)')
        .replaceAll(/([\w.()'/]+) >= (\d+)/g, '!($1 < $2)'),
    ),
    expressions('negated twice', expression =>
      /^(?:true|false)$/.test(expression) || expression.includes('? ') ? expression : `!(!(${expression}))`,
    ),
    expressions('brackets', expression => `(${expression})`),
  ]
}

function read(text: string): readonly Tree[] {
  return parseAllDocuments(text).flatMap(document => {
    const value: unknown = document.toJS()
    return typeof value === 'object' && value !== null ? [{ ...value }] : []
  })
}

function write(documents: readonly Tree[]): string {
  return documents.map(document => JSON.stringify(document)).join('\n---\n')
}

interface Leaf {
  readonly path: readonly string[]
  readonly value: string
}

function leaves(value: unknown, path: readonly string[] = []): readonly Leaf[] {
  if (typeof value === 'string') return [{ path, value }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

function replaced(tree: Tree, path: readonly string[], value: string): Tree {
  const copy: Tree = structuredClone(tree)
  const parent = path.slice(0, -1).reduce<Tree>((inner, key) => Object(inner[key]), copy)
  const last = path.at(-1)
  if (last !== undefined) parent[last] = value
  return copy
}

/** Lists whose order says nothing. */
function reversed<T>(value: T): T {
  const turn = (key: string, inner: unknown): unknown => {
    if (Array.isArray(inner))
      return /^(?:verbs|resources|apiGroups|rules|subjects|tools|access|validations|scopes|agents|servers)$/.test(key)
        ? inner.toReversed().map(one => turn('', one))
        : inner.map(one => turn('', one))
    if (typeof inner !== 'object' || inner === null) return inner
    return Object.fromEntries(Object.entries(inner).map(([name, one]) => [name, turn(name, one)]))
  }
  return Object(turn('', value))
}
