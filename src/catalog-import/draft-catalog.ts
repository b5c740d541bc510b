import { Document, isMap, isScalar, isSeq } from 'yaml'
import { isJsonArray, isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { toolDigest } from '../rbac/tool-digest.js'
import { draftAccess, saysReadOnly } from './draft-access.js'
import { type DraftedOperations, draftOperations } from './draft-operations.js'
import { foreignText, isPlainName } from './foreign-text.js'
import type { Published, PublishedEntry } from './published.js'
import { trimSchema } from './trim-schema.js'

export interface CatalogDraft {
  /** A ToolCatalog as YAML, with comments. */
  readonly text: string
  /** Names that no catalogue may hold or no call may name; they stay out, which denies them. */
  readonly left: readonly string[]
}

/** Names that our own parser of calls accepts, without those that objects have from birth. */
const usableName = /^[A-Za-z0-9_.\-/]{1,128}$/
const notReviewed = 'not reviewed yet'

/**
 * Drafts a ToolCatalog from what a server lists. Every entry is pinned and refused until somebody has reviewed it and
 * takes `refuse` out; what the server says of itself stands in comments, and where it became a rule, the stricter reading.
 */
export function draftCatalog(published: Published, name: string, source: string): CatalogDraft {
  const left: string[] = []
  const usable = (entries: readonly PublishedEntry[]) =>
    entries.filter(entry => {
      const fine = usableName.test(entry.name) && !(entry.name in Object.prototype) && argumentsOf(entry).fine
      if (!fine) left.push(entry.name)
      return fine
    })
  const tools = usable(published.tools).map(entry => draftEntry(entry, published))
  const prompts = usable(published.prompts).map(entry => draftEntry(entry, published))
  // Maps keep their order, also of names that look like numbers.
  const byName = (drafts: readonly DraftedEntry[]) => new Map(drafts.map(one => [one.name, one.entry]))
  const document = new Document({
    ...{ apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'ToolCatalog', metadata: { name } },
    spec: {
      ...(honoursContext(published) && { cluster: { argument: 'context' } }),
      ...(tools.length > 0 && { tools: byName(tools) }),
      ...(prompts.length > 0 && { prompts: byName(prompts) }),
    },
  })
  document.commentBefore = introduction(published, source)
  for (const [group, drafts] of [
    ['tools', tools],
    ['prompts', prompts],
  ] as const) {
    const map = document.getIn(['spec', group], true)
    if (!isMap(map)) continue
    for (const [index, pair] of map.items.entries()) {
      const { key, value } = pair
      if (isScalar(key)) {
        key.commentBefore = drafts[index]?.comments.map(line => ` ${line}`).join('\n') ?? null
        key.spaceBefore = index > 0
      }
      if (!isMap(value)) continue
      for (const field of ['arguments', 'images']) flowAt(value.get(field, true))
      const operations = value.get('operations', true)
      if (isSeq(operations)) for (const operation of operations.items) flowAt(operation)
    }
  }
  return { text: document.toString({ lineWidth: 0, flowCollectionPadding: true }), left }
}

function flowAt(node: unknown): void {
  if (isMap(node) || isSeq(node)) node.flow = true
}

function introduction({ server, version, tools, prompts }: Published, source: string): string {
  const said = [server, version].filter(part => part !== undefined).map(part => foreignText(part, 60))
  return [
    `Drafted by "mcp-authz catalog import" from ${source}${said.length > 0 ? `, which calls itself ${said.join(' ')}` : ''}:`,
    `${tools.length} tools and ${prompts.length} prompts. What the server says stands in comments; none of it is verified.`,
    'Every entry is refused. Review one, set its access, complete its operations, then take its "refuse" out.',
    '"mcp-authz catalog diff" tells when the server no longer is what was reviewed.',
  ]
    .map(line => ` ${line}`)
    .join('\n')
}

interface DraftedEntry {
  readonly name: string
  readonly entry: Readonly<Record<string, unknown>>
  readonly comments: readonly string[]
}

function draftEntry({ name, definition }: PublishedEntry, published: Published): DraftedEntry {
  const { names, required } = argumentsOf({ name, definition })
  const drafted = draftOperations(definition, required)
  const operations = drafted.kind === 'operations' ? drafted.operations : []
  const access = draftAccess(
    name,
    definition,
    operations.flatMap(({ verbs = [] }) => verbs),
  )
  const listed = honoursContext(published) ? names.filter(argument => argument !== 'context') : names
  const runs = operations.every(({ manifest, verbs = [] }) => manifest === undefined && !readsOnly(verbs))
  const schema = isJsonObject(definition.get('inputSchema')) ? trimSchema(definition.get('inputSchema')) : undefined
  const entry = {
    access,
    arguments: listed.length === 0 ? 'none' : listed,
    ...(schema !== undefined && { inputSchema: schema }),
    digest: toolDigest(definition),
    // Nobody knows yet which of the arguments hold some; reading them denies.
    ...(runs && drafted.kind !== 'none' && { images: 'unknown', replicas: 'unknown' }),
    refuse: notReviewed,
    ...(drafted.kind === 'operations' && { operations }),
    ...(drafted.kind === 'none' && { operations: 'none' }),
  }
  return { name, entry, comments: commentsOn(definition, drafted) }
}

function readsOnly(verbs: readonly string[]): boolean {
  return verbs.every(verb => verb === 'get' || verb === 'list' || verb === 'watch')
}

const shownCharacters = 600

function commentsOn(definition: JsonObject, drafted: DraftedOperations): readonly string[] {
  const lines: string[] = []
  const description = definition.get('description')
  if (typeof description === 'string' && description !== '') {
    // A reviewer must know that there is more: that is where instructions to the model are hidden.
    const more = description.length > shownCharacters ? ` (${description.length} characters in all)` : ''
    lines.push(`"${foreignText(description, shownCharacters)}"${more}`)
  }
  if (saysReadOnly(definition)) lines.push('The server calls it read-only. If that is so: access: read.')
  switch (drafted.kind) {
    case 'operations':
      lines.push('Operations as the server names them: check verbs, and what it does without a namespace.')
      break
    case 'none':
      lines.push('The server says that it needs no permission in Kubernetes. Check what it returns.')
      break
    case 'unknown':
      lines.push(`No operations: ${drafted.why}. Write them, or operations: none.`)
  }
  return lines
}

/** kubernetes-mcp-server takes `context` in every call, also where no schema shows it. */
function honoursContext({ tools, prompts }: Published): boolean {
  return [...tools, ...prompts].some(entry => argumentsOf(entry).names.includes('context') && hasRbac(entry))
}

function hasRbac({ definition }: PublishedEntry): boolean {
  const drafted = draftOperations(definition, new Set())
  return drafted.kind !== 'unknown'
}

/** Of a tool the properties of its schema, of a prompt its arguments. `fine`: a catalogue can list them. */
export function argumentsOf({ definition }: PublishedEntry): {
  readonly names: readonly string[]
  readonly required: ReadonlySet<string>
  readonly fine: boolean
} {
  const listed = definition.get('arguments')
  const schema = definition.get('inputSchema')
  const named: string[] = []
  const required: string[] = []
  if (isJsonArray(listed)) {
    for (const item of listed) {
      const name = isJsonObject(item) ? item.get('name') : undefined
      if (typeof name !== 'string') continue
      named.push(name)
      if (isJsonObject(item) && item.get('required') === true) required.push(name)
    }
  } else if (isJsonObject(schema)) {
    const properties = schema.get('properties')
    if (isJsonObject(properties)) named.push(...properties.keys())
    const given = schema.get('required')
    if (isJsonArray(given)) required.push(...given.filter(item => typeof item === 'string'))
  }
  return {
    names: named,
    required: new Set(required),
    fine: named.length <= 64 && new Set(named).size === named.length && named.every(isPlainName),
  }
}
