import { isMap, isScalar, parseDocument } from 'yaml'
import { isJsonObject, type JsonObject } from '../../protocol/json-value.js'
import type { Offer, StartInput } from './start-input.js'

export interface KeptBack {
  readonly name: string
  /** For a comment beside the name. */
  readonly why: string
}

export interface SortedTools {
  /** Call themselves read-only, and nothing speaks against it. */
  readonly given: readonly Offer[]
  readonly keptBack: readonly KeptBack[]
  readonly prompts: readonly string[]
}

/** Who may read one namespace may not read the next. */
export const betterByRbac = 'reads from Kubernetes: better decided by RBAC'

/** What else the drafted access says about a tool that calls itself read-only. */
const objections: Readonly<Record<string, string>> = {
  sensitive: 'calls itself read-only, but its name speaks of secrets',
  exec: 'calls itself read-only, but its name speaks of running commands',
  delete: 'calls itself read-only, but its name or its hints speak of deleting',
}

type Sorting = Pick<StartInput, 'tools' | 'catalog' | 'reviewed'>

/**
 * Which tools of a drafted catalogue may be offered to people at first. A hint of the server alone gives nothing where the
 * draft was stricter; names that the draft left out are in neither list.
 */
export function sortTools({ tools, catalog, reviewed }: Sorting): SortedTools {
  const document = parseDocument(catalog)
  const given: Offer[] = []
  const keptBack: KeptBack[] = []
  for (const tool of tools) {
    const { name } = tool
    const access = document.getIn(['spec', 'tools', name, 'access'])
    if (typeof access !== 'string') continue
    // Only what the server says of permissions becomes operations of a draft.
    const onKubernetes = document.hasIn(['spec', 'tools', name, 'operations'])
    const why = !saysReadOnly(tool.definition)
      ? `drafted as ${access}`
      : (reviewed?.objections.get(name) ?? objections[access] ?? (onKubernetes ? betterByRbac : undefined))
    if (why === undefined) given.push(tool)
    else keptBack.push({ name, why })
  }
  const prompts = document.getIn(['spec', 'prompts'])
  const names = isMap(prompts) ? prompts.items.map(({ key }) => (isScalar(key) ? String(key.value) : '')) : []
  return { given, keptBack, prompts: names }
}

/** `annotations.readOnlyHint` (ToolAnnotations, specification 2025-11-25): a hint, and true only where it is said. */
function saysReadOnly(definition: JsonObject): boolean {
  const annotations = definition.get('annotations')
  return isJsonObject(annotations) && annotations.get('readOnlyHint') === true
}
